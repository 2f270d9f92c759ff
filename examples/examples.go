// Package examples holds texts for people to try Runhook with. They are written
// for this project, each in another language, and free for any use.
package examples

import "embed"

// Texts is the folder texts: a few short files of UTF-8 prose.
//
//go:embed texts/*.txt
var Texts embed.FS
