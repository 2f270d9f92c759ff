package secretscan

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Span is a part of a text that holds a secret.
type Span struct {
	From, To int
	// Text is what the part says: in JSON, not as it is written.
	Text string
}

// Plain returns the parts of a text that hold secrets, in their order and apart from
// each other.
func (s *Set) Plain(text []byte) []Span {
	if s.Empty() {
		return nil
	}
	f := finder{set: s, whole: true, begins: make([]int, s.longest)}
	f.read(text, 0, func(at int) (int, []byte) { return at + 1, text[at : at+1] })
	for i := range f.found {
		f.found[i].Text = string(text[f.found[i].From:f.found[i].To])
	}
	return f.found
}

// JSON is [Set.Plain] for JSON, in whose strings it looks.
func (s *Set) JSON(text []byte) (found []Span) {
	if s.Empty() {
		return nil
	}
	var character [utf8.UTFMax]byte
	f := finder{set: s, begins: make([]int, s.longest)}
	for at := 0; ; {
		quote := bytes.IndexByte(text[at:], '"')
		if quote < 0 {
			return found
		}
		at += quote + 1
		end := endOfString(text, at)
		f.whole, f.found = !isName(text[end:]), f.found[:0]
		f.read(text[:end], at, func(at int) (int, []byte) { return decode(text[:end], at, &character) })
		for _, span := range f.found {
			if json.Unmarshal([]byte(`"`+string(text[span.From:span.To])+`"`), &span.Text) == nil {
				found = append(found, span)
			}
		}
		at = min(end+1, len(text))
	}
}

// endOfString returns where the string ends whose first character is at a place.
func endOfString(text []byte, at int) int {
	for at < len(text) && text[at] != '"' {
		if text[at] == '\\' {
			at++
		}
		at++
	}
	return min(at, len(text))
}

// isName reports whether a string is the name of a member, by what begins with its end.
func isName(rest []byte) bool {
	for _, c := range rest[min(1, len(rest)):] {
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			return c == ':'
		}
	}
	return false
}

// decode returns the character at a place of a JSON string, and where the next begins.
func decode(text []byte, at int, into *[utf8.UTFMax]byte) (next int, character []byte) {
	if text[at] != '\\' || at+1 >= len(text) {
		return at + 1, text[at : at+1]
	}
	switch text[at+1] {
	case 'b':
		into[0] = '\b'
	case 'f':
		into[0] = '\f'
	case 'n':
		into[0] = '\n'
	case 'r':
		into[0] = '\r'
	case 't':
		into[0] = '\t'
	case 'u':
		const escape, pair = 6, 12
		first := unit(text, at)
		if second := unit(text, at+escape); utf16.IsSurrogate(first) && utf16.DecodeRune(first, second) != utf8.RuneError {
			return at + pair, utf8.AppendRune(into[:0], utf16.DecodeRune(first, second))
		}
		return min(at+escape, len(text)), utf8.AppendRune(into[:0], first)
	default:
		into[0] = text[at+1]
	}
	return at + 2, into[:1]
}

// unit returns what \uXXXX at a place stands for.
func unit(text []byte, at int) rune {
	if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(text[at+2:at+6]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// finder looks through one text, or one string of JSON.
type finder struct {
	set *Set
	// whole is set if the text may be a secret as a whole: it is no name of a member.
	whole bool
	// begins has where the last characters began, by the number of their last byte.
	begins []int
	found  []Span
}

// read looks through the text from a place on. decode returns a character, and where the
// next begins.
func (f *finder) read(text []byte, from int, decode func(at int) (int, []byte)) {
	state, count := int32(0), 0
	for at := from; at < len(text); {
		next, character := decode(at)
		for _, value := range character {
			f.begins[count%len(f.begins)] = at
			count++
			state = f.set.step(state, value)
		}
		if match := int(f.set.nodes[state].match); match > 0 {
			begin := f.begins[(count-match)%len(f.begins)]
			if f.counts(match, begin == from && next == len(text)) {
				f.add(begin, next)
			}
		}
		at = next
	}
}

// counts reports whether a secret of a length is one here.
func (f *finder) counts(length int, all bool) bool {
	switch {
	case !f.whole:
		return length >= named
	case all:
		return true
	}
	return length >= within
}

// add adds a part, together with those before that it overlaps.
func (f *finder) add(from, to int) {
	for len(f.found) > 0 && f.found[len(f.found)-1].To > from {
		last := f.found[len(f.found)-1]
		from, f.found = min(from, last.From), f.found[:len(f.found)-1]
	}
	f.found = append(f.found, Span{From: from, To: to})
}
