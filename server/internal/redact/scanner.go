package redact

// scanner reads JSON piece by piece. It finds where values begin and end, and leaves
// it to others to find out whether they are well-formed.
type scanner struct {
	text []byte
	at   int
	// steps counts the bytes that were looked at, for tests.
	steps int
}

// end is what peek returns at the end of the text.
const end = 0

// peek returns the byte that comes next, past white space, without taking it.
func (s *scanner) peek() byte {
	for s.at < len(s.text) {
		s.steps++
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return end
}

func (s *scanner) take(count int) []byte {
	taken := s.text[s.at : s.at+count]
	s.at += count
	s.steps += count
	return taken
}

// string takes a string with its quotes.
func (s *scanner) string() (raw []byte, ok bool) {
	if s.peek() != '"' {
		return nil, false
	}
	for i := s.at + 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '"':
			return s.take(i + 1 - s.at), true
		}
	}
	return nil, false
}

// scalar takes a string, a number, true, false or null.
func (s *scanner) scalar() (raw []byte, ok bool) {
	if s.peek() == '"' {
		return s.string()
	}
	length := 0
	for s.at+length < len(s.text) && isScalar(s.text[s.at+length]) {
		length++
	}
	return s.take(length), length > 0
}

func isScalar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}
