// Package secretscan finds known secrets in texts.
//
// It guarantees that a text is read once, whatever is looked for: the steps grow with
// its length, and not with the number of secrets or how alike they are. A secret is
// found wherever it stands in a text, also inside another word, and in the ways in which
// it is written in JSON, in JSON within JSON and in a URL. A short one is found only
// where it is all of a text, and none is found as the name of a member of an object
// unless it is long: words that are secrets and names at once would hide what they name.
//
// A Set is not changed after it is made, and may be used concurrently.
package secretscan
