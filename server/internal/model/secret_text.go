package model

import "bytes"

const (
	// secretMark begins a reference to a secret in a text that is kept; what follows
	// up to secretEnd is for the store to read. None of it needs escaping in JSON.
	secretMark = "runhook-secret:"
	secretEnd  = '.'
	// HiddenSecret is what people are shown in its place.
	HiddenSecret = "[REDACTED]"
)

// SecretReference returns what stands for a secret in a text that is kept. sealed
// has letters, digits, - and _ only.
func SecretReference(sealed string) string { return secretMark + sealed + string(secretEnd) }

// HasSecretReference reports whether a text has a reference to a secret.
func HasSecretReference(text []byte) bool { return bytes.Contains(text, []byte(secretMark)) }

// HideSecrets returns a text as people are shown it: without references to secrets.
func HideSecrets(text []byte) []byte {
	return ReplaceSecretReferences(text, func(string) (string, bool) { return HiddenSecret, true })
}

// ReplaceSecretReferences returns a text with each reference replaced by what replace
// says of its sealed part, or kept if that is false. It takes one pass.
func ReplaceSecretReferences(text []byte, replace func(sealed string) (string, bool)) []byte {
	if !HasSecretReference(text) {
		return text
	}
	replaced := make([]byte, 0, len(text))
	for {
		at := bytes.Index(text, []byte(secretMark))
		if at < 0 {
			return append(replaced, text...)
		}
		from := at + len(secretMark)
		length := bytes.IndexFunc(text[from:], func(r rune) bool { return !isSealed(r) })
		if length <= 0 || text[from+length] != secretEnd {
			replaced, text = append(replaced, text[:from]...), text[from:]
			continue
		}
		replaced = append(replaced, text[:at]...)
		if with, ok := replace(string(text[from : from+length])); ok {
			replaced = append(replaced, with...)
		} else {
			replaced = append(replaced, text[at:from+length+1]...)
		}
		text = text[from+length+1:]
	}
}

// Part is where a part of a text stands.
type Part struct{ From, To int }

// SecretReferences returns where the references to secrets in a text stand of which
// refers is true, called with what is sealed.
func SecretReferences(text []byte, refers func(sealed string) bool) (found []Part) {
	for at := 0; ; {
		mark := bytes.Index(text[at:], []byte(secretMark))
		if mark < 0 {
			return found
		}
		from := at + mark
		at = from + len(secretMark)
		length := bytes.IndexFunc(text[at:], func(r rune) bool { return !isSealed(r) })
		if length > 0 && text[at+length] == secretEnd && refers(string(text[at:at+length])) {
			at += length + 1
			found = append(found, Part{from, at})
		}
	}
}

func isSealed(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// madeSecretLength is how many digits the secrets of HTTP endpoints and sources have
// that this server makes.
const madeSecretLength = 64

// LikeMadeSecrets returns the parts of a text, each once and 1,000 at the most, that
// look like secrets of HTTP endpoints or sources: 64 hexadecimal digits in small
// letters, with none beside them.
func LikeMadeSecrets(text []byte) (found []string) {
	const most = 1000
	seen := map[string]bool{}
	for from := 0; from+madeSecretLength <= len(text) && len(found) < most; {
		length := 0
		for from+length < len(text) && isHexDigit(text[from+length]) {
			length++
		}
		if length == madeSecretLength && !seen[string(text[from:from+length])] {
			part := string(text[from : from+length])
			seen[part] = true
			found = append(found, part)
		}
		from += length + 1
	}
	return found
}

func isHexDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }
