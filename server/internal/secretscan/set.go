package secretscan

import (
	"bytes"
	"encoding/json"
	"net/url"
)

const (
	// Shortest is how many bytes a secret has at the least to be looked for.
	Shortest = 4
	// within is how many it has at the least to be found as a part of a text, and named
	// to be found in the name of a member.
	within, named = 8, 16
	// deepest is how often a secret is looked for as JSON within JSON.
	deepest = 2
)

// Set holds the secrets that are looked for. The zero value holds none.
type Set struct {
	// nodes are those of an automaton of the way of Aho and Corasick; the first is its
	// root.
	nodes []node
	// fromRoot is which node follows the root for each byte.
	fromRoot [256]int32
	longest  int
}

// node is a beginning of one or more secrets.
type node struct {
	// child is the first of the nodes that are longer by a byte, and sibling the next of
	// those of the same parent; 0 for none.
	child, sibling int32
	// fallback is the longest end of this node that is a node, too.
	fallback int32
	// depth is how many bytes it has, and match how many the longest secret has that it
	// ends with.
	depth, match int32
	value        byte
}

// New returns a set of secrets. Those shorter than [Shortest] are left out.
func New(secrets []string) *Set {
	s := &Set{nodes: make([]node, 1)}
	for _, secret := range secrets {
		if len(secret) < Shortest {
			continue
		}
		for _, written := range ways(secret) {
			s.add(written)
		}
	}
	s.link()
	return s
}

// ways returns how a secret is written: as it is, in JSON and in URLs.
func ways(secret string) []string {
	all := []string{secret}
	for depth, plain, escaped := 0, secret, secret; depth < deepest; depth++ {
		plain, escaped = inner(plain, false), inner(escaped, true)
		all = append(all, plain, escaped)
	}
	return append(all, url.QueryEscape(secret), url.PathEscape(secret))
}

// inner returns a text as it stands between the quotes of a JSON string.
func inner(text string, escapeHTML bool) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(escapeHTML)
	if encoder.Encode(text) != nil {
		return text
	}
	quoted := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	return string(quoted[1 : len(quoted)-1])
}

func (s *Set) add(secret string) {
	at := int32(0)
	for i := range len(secret) {
		next := s.next(at, secret[i])
		if next == 0 {
			next = int32(len(s.nodes))
			s.nodes = append(s.nodes, node{sibling: s.nodes[at].child, depth: int32(i + 1), value: secret[i]})
			s.nodes[at].child = next
			if at == 0 {
				s.fromRoot[secret[i]] = next
			}
		}
		at = next
	}
	s.nodes[at].match = int32(len(secret))
	s.longest = max(s.longest, len(secret))
}

// next returns the child of a node for a byte; 0 for none.
func (s *Set) next(at int32, value byte) int32 {
	if at == 0 {
		return s.fromRoot[value]
	}
	child := s.nodes[at].child
	for child != 0 && s.nodes[child].value != value {
		child = s.nodes[child].sibling
	}
	return child
}

// step returns the node that follows another for a byte.
func (s *Set) step(at int32, value byte) int32 {
	for {
		if next := s.next(at, value); next != 0 || at == 0 {
			return next
		}
		at = s.nodes[at].fallback
	}
}

// link finds the fallback of each node, the shortest nodes first.
func (s *Set) link() {
	for queue := []int32{0}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for child := s.nodes[at].child; child != 0; child = s.nodes[child].sibling {
			queue = append(queue, child)
			if at == 0 {
				continue
			}
			fallback := s.step(s.nodes[at].fallback, s.nodes[child].value)
			s.nodes[child].fallback = fallback
			if s.nodes[child].match == 0 {
				s.nodes[child].match = s.nodes[fallback].match
			}
		}
	}
}

// Empty reports whether nothing is looked for.
func (s *Set) Empty() bool { return s == nil || s.longest == 0 }
