// Package dashboard is the pages of the server for people: what runs, what failed, why,
// and what to do about it.
//
// The pages are rendered from the answers of the HTTP API, which is asked in the process,
// so a page and a program see the same. A browser keeps a cookie of a session; it never
// sees an API key. A session is opened by a link that is valid once and for ten minutes
// ([NewLink]). What a session may do is asked in one place ([may]).
//
// Pages work without scripts. With them, a page follows what happens: the browser is told
// that something changed and fetches the page again, so that the two cannot disagree.
package dashboard
