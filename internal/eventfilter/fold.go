package eventfilter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ignoreCaseEquals compares texts as a reader would who overlooks case, width
// and characters without a shape, but not accents. The protocol defines it by
// Unicode collation at the secondary strength, which this comes close to: full
// case folding would go too far and equate ß with SS.
func (l Language) ignoreCaseEquals(operand any) (condition, bool) {
	want, ok := operand.(string)
	folded := l.fold(want)
	return func(value any, w *work) bool {
		text, ok := value.(string)
		if !ok {
			return false
		}
		if text == want {
			return true
		}
		return w.spend(len(text)/2) && l.fold(text) == folded
	}, ok
}

// fold returns a text that is the same for all texts that ignoreCaseEquals takes
// for equal.
func (l Language) fold(text string) string {
	if l.Normalize != nil {
		text = l.Normalize(text)
	}
	return strings.Map(foldRune, text)
}

// foldRune returns the smallest of the letters that differ in case only, or -1
// for a character without a shape.
func foldRune(char rune) rune {
	if char < utf8.RuneSelf {
		if 'a' <= char && char <= 'z' {
			return char - ('a' - 'A')
		}
		return char
	}
	if unicode.In(char, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
		return -1
	}
	smallest := char
	for next := unicode.SimpleFold(char); next != char; next = unicode.SimpleFold(next) {
		smallest = min(smallest, next)
	}
	return smallest
}
