package redact

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
)

const (
	// maskedPart stands for a part of an output that people are not shown, and for a
	// value that cannot be read.
	maskedPart = `"[REDACTED]"`
	// maskedSecret stands for a secret in a text.
	maskedSecret = "********"
	// markName is the member by which an SDK marks a text that holds secrets, and
	// partsName its member with the parts of the text that are none.
	markName  = "__redactedString"
	partsName = "strings"
)

// Texts returns JSON in which each text that an SDK has marked as holding secrets is
// that text with the secrets masked. JSON without such a text is returned as it is.
func Texts(raw []byte) []byte { return show(raw, nil) }

// Marked reports whether [Texts] may have something to mask.
func Marked(raw []byte) bool { return bytes.Contains(raw, []byte(markName)) }

// Params returns a task's params as people are shown them. It is quick: what there is
// to mask was masked when the task was made, unless a version before did that.
func Params(t model.Task) []byte {
	if t.ShownParams != nil {
		return t.ShownParams
	}
	return Texts(t.Params)
}

// Output returns a task's output as people are shown it: as [Texts] does, and with
// the parts masked that paths name, which is JSON like {"paths": ["card.number"]}.
func Output(output, paths []byte) []byte { return show(output, readPaths(paths)) }

func show(raw []byte, paths *node) []byte {
	if raw == nil || paths == nil && !Marked(raw) {
		return raw
	}
	m := masker{scanner: scanner{text: raw}, out: make([]byte, 0, len(raw))}
	if !m.run(paths) {
		return []byte(maskedPart)
	}
	return m.out
}

// masker copies a value and masks it on the way. It does not recurse, so a value may
// have any depth.
type masker struct {
	scanner
	out []byte
	// open are the arrays and objects that it is in, from the outside to the inside.
	open []container
}

// container is an array or object that is being copied.
type container struct {
	place   *node
	masked  bool
	isArray bool
	// next is the index of an array's next element.
	next int
	// from and to are where it begins in the input and in the output.
	from, to int
	// texts is whether an array has held nothing but texts.
	texts bool
	// name is that of an object's member that is being read.
	name memberName
	// marked is whether an object is a text with secrets, and parts are its other
	// parts: JSON, a list of texts; nil if it does not say.
	marked bool
	parts  []byte
}

// memberName distinguishes the members of a marked text.
type memberName int

const (
	otherMember memberName = iota
	markMember
	partsMember
)

// run reports whether all of the value could be read.
func (m *masker) run(paths *node) bool {
	if !m.value(paths) {
		return false
	}
	for len(m.open) > 0 {
		if !m.next(&m.open[len(m.open)-1]) {
			return false
		}
	}
	return m.peek() == end
}

// next copies what comes next in the innermost container: its end, or a member or
// element.
func (m *masker) next(c *container) bool {
	switch m.peek() {
	case ']', '}':
		m.take(1)
		m.close()
		return true
	case ',':
		m.out = append(m.out, m.take(1)...)
	}
	if c.isArray {
		place := c.place.element(c.next)
		c.next++
		return m.value(place)
	}
	raw, ok := m.string()
	if !ok || m.peek() != ':' {
		return false
	}
	m.out = append(append(m.out, raw...), m.take(1)...)
	name := decoded(raw)
	switch string(name) {
	case markName:
		c.name = markMember
	case partsName:
		c.name = partsMember
	default:
		c.name = otherMember
	}
	return m.value(c.place.child(name))
}

// value copies a value, or the beginning of a container.
func (m *masker) value(place *node) bool {
	masked := place != nil && place.masked
	first := m.peek()
	if first == '[' || first == '{' {
		m.open = append(m.open, container{
			place: place, masked: masked, isArray: first == '[', texts: true, from: m.at, to: len(m.out),
		})
		m.out = append(m.out, m.take(1)...)
		return true
	}
	raw, ok := m.scalar()
	if !ok {
		return false
	}
	if masked {
		m.out = append(m.out, maskedPart...)
	} else {
		m.out = append(m.out, raw...)
	}
	m.ended(raw, nil)
	return true
}

// close ends the innermost container.
func (m *masker) close() {
	last := len(m.open) - 1
	c := m.open[last]
	m.open = m.open[:last]
	m.out = append(m.out, m.text[m.at-1])
	switch {
	case c.masked:
		m.out = append(m.out[:c.to], maskedPart...)
	case c.marked:
		m.steps += len(c.parts)
		m.out = append(m.out[:c.to], c.text()...)
	}
	m.ended(m.text[c.from:m.at], &c)
}

// ended notes in the innermost container of a value in it, which was a container unless
// that is nil.
func (m *masker) ended(raw []byte, was *container) {
	if len(m.open) == 0 {
		return
	}
	around := &m.open[len(m.open)-1]
	switch {
	case around.isArray:
		around.texts = around.texts && raw[0] == '"'
	case around.name == markMember:
		around.marked = string(raw) == "true"
	case around.name == partsMember && was != nil && was.isArray && was.texts:
		around.parts = raw
	case around.name == partsMember:
		around.parts = nil
	}
}

// text returns a marked text with its secrets masked, as JSON. All of it is one if it
// does not say which parts are.
func (c *container) text() []byte {
	var parts []string
	if c.parts == nil || json.Unmarshal(c.parts, &parts) != nil {
		return encoded(maskedSecret)
	}
	return encoded(strings.Join(parts, maskedSecret))
}

// encoded returns a text as JSON, without escaping HTML.
func encoded(text string) []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return bytes.TrimSuffix(encoded.Bytes(), []byte("\n"))
}

// decoded returns the text that a JSON string stands for.
func decoded(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	return []byte(text)
}
