package fetch

import (
	"cmp"
	"strconv"
	"strings"
)

// pattern stands for some statuses: all, an exact number (429), wildcards (50x,
// 5xx), a range (500-599), or a list of these (401,403). One that is none of
// them matches nothing.
type pattern struct {
	text   string
	ranges []statusRange
}

type statusRange struct{ first, last int }

func parsePattern(text string) pattern {
	parsed := pattern{text: text}
	for item := range strings.SplitSeq(strings.ToLower(text), ",") {
		if statuses, ok := parseRange(strings.TrimSpace(item)); ok {
			parsed.ranges = append(parsed.ranges, statuses)
		}
	}
	return parsed
}

func parseRange(text string) (statusRange, bool) {
	if text == "all" {
		return statusRange{0, 999}, true
	}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		// 5xx is from 500 to 599, and 429 from 429 to 429.
		digits := strings.TrimRight(text, "x")
		wild := text[len(digits):]
		if len(wild) > 2 || wild != "" && len(text) != 3 {
			return statusRange{}, false
		}
		first, last = digits+strings.Repeat("0", len(wild)), digits+strings.Repeat("9", len(wild))
	}
	from, okFrom := status(first)
	to, okTo := status(last)
	return statusRange{from, to}, okFrom && okTo && from <= to
}

func status(text string) (int, bool) {
	number, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	return int(number), err == nil && number <= 999
}

func (p pattern) matches(status int) bool {
	for _, statuses := range p.ranges {
		if statuses.first <= status && status <= statuses.last {
			return true
		}
	}
	return false
}

// size is how many statuses the pattern stands for.
func (p pattern) size() (size int) {
	for _, statuses := range p.ranges {
		size += statuses.last - statuses.first + 1
	}
	return size
}

// byPrecision orders patterns: those that stand for fewer statuses come first,
// then the shorter ones, then by their text.
func byPrecision(a, b pattern) int {
	return cmp.Or(
		cmp.Compare(a.size(), b.size()),
		cmp.Compare(len(a.text), len(b.text)),
		cmp.Compare(a.text, b.text),
	)
}
