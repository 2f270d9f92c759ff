package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// Both are Sunday.
const sunday, sundayToo = 0, 7

// list reads a list with commas. special, which may be nil, is shown each item
// first, and reports whether it took it.
func (f field) list(text string, special func(item string) (bool, error)) (numbers set, err error) {
	for item := range strings.SplitSeq(text, ",") {
		if special != nil {
			taken, err := special(item)
			if err != nil {
				return 0, err
			}
			if taken {
				continue
			}
		}
		more, err := f.item(item)
		if err != nil {
			return 0, err
		}
		numbers |= more
	}
	if f.most == sundayToo && numbers.has(sundayToo) {
		numbers.add(sunday)
	}
	return numbers, nil
}

// item reads a number, a range or a star, each with a step if need be.
func (f field) item(text string) (numbers set, err error) {
	base, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		if step, err = digits(stepText); err != nil || step == 0 {
			return 0, f.problem("the step of %.20q must be a number greater than zero", text)
		}
	}
	first, last, err := f.span(base)
	if err != nil {
		return 0, err
	}
	if stepped && !strings.ContainsAny(base, "-*?") {
		last = f.most
	}
	for n := first; n <= last; n += step {
		numbers.add(n)
	}
	return numbers, nil
}

// span reads a number, a range or a star.
func (f field) span(text string) (first, last int, err error) {
	if text == "*" || text == "?" && f.blank {
		return f.least, f.most, nil
	}
	low, high, isRange := strings.Cut(text, "-")
	if first, err = f.number(low); err != nil || !isRange {
		return first, first, err
	}
	if last, err = f.number(high); err == nil && first > last {
		err = f.problem("the range %.20q is the wrong way round", text)
	}
	return first, last, err
}

// number reads a number or a name.
func (f field) number(text string) (int, error) {
	if n, named := f.names[strings.ToLower(text)]; named {
		return n, nil
	}
	n, err := digits(text)
	switch {
	case err != nil && f.names != nil:
		return 0, f.problem("%.20q is neither a number nor a name of three letters", text)
	case err != nil:
		return 0, f.problem("%.20q is not a number", text)
	case n < f.least || n > f.most:
		return 0, f.problem("%d is not from %d to %d", n, f.least, f.most)
	}
	return n, nil
}

func (f field) problem(format string, values ...any) error {
	return fmt.Errorf(f.name+": "+format, values...)
}

// digits reads a number without a sign.
func digits(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}
