package redact

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Limits of the paths of a task, far above what people write.
const (
	// MaxPaths is how many there may be.
	MaxPaths = 1000
	// MaxPathBytes is how long they may be together.
	MaxPathBytes = 64 << 10
)

// CheckPaths says what is wrong with the paths of a new task: there are too many, or
// they are too long.
func CheckPaths(paths []string) error {
	if len(paths) > MaxPaths {
		return fmt.Errorf("has %d paths: at most %d are accepted", len(paths), MaxPaths)
	}
	size := 0
	for _, path := range paths {
		size += len(path)
	}
	if size > MaxPathBytes {
		return fmt.Errorf("has paths of %d bytes: at most %d are accepted for all of them", size, MaxPathBytes)
	}
	return nil
}

// node is a place in a value, as a tree of all paths has it; nil is one that no path
// leads through.
type node struct {
	masked   bool
	children map[string]*node
}

// readPaths reads the paths of a task, {"paths": [...]}. What cannot be read has
// none.
func readPaths(stored []byte) *node {
	var redact struct {
		Paths []string `json:"paths"`
	}
	if stored == nil || json.Unmarshal(stored, &redact) != nil || len(redact.Paths) == 0 {
		return nil
	}
	root := &node{}
	for _, path := range redact.Paths {
		root.add(path)
	}
	return root
}

func (n *node) add(path string) {
	for segment := range strings.SplitSeq(path, ".") {
		if n.children == nil {
			n.children = map[string]*node{}
		}
		next := n.children[segment]
		if next == nil {
			next = &node{}
			n.children[segment] = next
		}
		n = next
	}
	n.masked = true
}

// element is the place of the element of a list.
func (n *node) element(index int) *node {
	if n == nil || len(n.children) == 0 {
		return nil
	}
	return n.children[strconv.Itoa(index)]
}

// child is the place of the member with a name.
func (n *node) child(name []byte) *node {
	if n == nil {
		return nil
	}
	return n.children[string(name)]
}
