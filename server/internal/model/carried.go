package model

import "strings"

// lastCarried is the last character that a header can carry to an app: the SDKs read each
// byte of a header as a character of its own, and undo no encoding.
const lastCarried = 0xff

// CheckCarried returns an [Invalid] error that names the field if a text cannot be sent
// to an app in a header: the app would get another one, or the request would be refused.
func CheckCarried(field, text string) error {
	for _, char := range text {
		if char > lastCarried || char < ' ' && char != '\t' || char == 0x7f {
			return Errorf(Invalid, "%s has the character %q, which no header can carry to the app as it is: use characters from U+0020 to U+00FF", field, char)
		}
	}
	if strings.TrimSpace(text) != text {
		return Errorf(Invalid, "%s begins or ends with white space, which no header can carry to the app", field)
	}
	return nil
}
