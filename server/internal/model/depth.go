package model

import (
	"bytes"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// NestedTooDeeply reports whether text of any kind is JSON that is nested more deeply
// than [protocol.MaxDepth]. Text that does not begin as an array or object does is no
// such JSON.
func NestedTooDeeply(text []byte) bool {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	return len(trimmed) > 0 && (trimmed[0] == '[' || trimmed[0] == '{') && protocol.CheckDepth(trimmed, protocol.MaxDepth) != nil
}

// DepthMessage says of something that it is nested too deeply.
func DepthMessage(what string) string {
	return fmt.Sprintf("%s is nested more than %d levels deep, which is the most that is accepted", what, protocol.MaxDepth)
}
