package protocol

import (
	"fmt"
	"strings"
	"unicode"
)

// PathProblem returns why an ID cannot stand in the path of a request: that of an app,
// a job, a dynamic schedule or a dynamic trigger. It is empty for one that can. SDKs
// write such IDs into paths as they are, where some characters mean something else:
// "a?b" would be taken for "a". Slashes, spaces and letters of any language are no
// problem.
func PathProblem(id string) string {
	for _, r := range id {
		if strings.ContainsRune(`?#%\`, r) || unicode.IsControl(r) {
			return fmt.Sprintf("it has the character %q, which the path of a URL cannot hold as it is", r)
		}
	}
	for segment := range strings.SplitSeq(id, "/") {
		switch segment {
		case "":
			return "a slash in it is the first or last character, or beside another"
		case ".", "..":
			return fmt.Sprintf("%q between slashes is taken for a folder", segment)
		}
	}
	return ""
}
