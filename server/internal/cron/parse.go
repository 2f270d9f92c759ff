package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// field is what one field of an expression may hold.
type field struct {
	name        string
	least, most int
	// names stand for numbers; nil if there are none.
	names map[string]int
	// blank is set where ? stands for *.
	blank bool
}

var (
	secondsField = field{name: "seconds", most: 59}
	minutesField = field{name: "minutes", most: 59}
	hoursField   = field{name: "hours", most: 23}
	ofMonthField = field{name: "day of month", least: 1, most: 31, blank: true}
	monthsField  = field{name: "month", least: 1, most: 12, names: numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1)}
	// Sunday is 0 and 7.
	ofWeekField = field{name: "day of week", most: 7, names: numbered("sun mon tue wed thu fri sat", 0), blank: true}
)

func numbered(names string, first int) map[string]int {
	numbers := map[string]int{}
	for i, name := range strings.Fields(names) {
		numbers[name] = first + i
	}
	return numbers
}

// aliases are all that there are; they are written in lower case.
var aliases = map[string]string{
	"@yearly": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@hourly": "0 * * * *",
}

// Parse reads a cron expression. Its errors say which field is wrong and why; an
// expression that would never tick is one, too.
func Parse(expression string) (Expression, error) {
	e, err := parse(expression)
	if err != nil {
		const longest = 100
		return Expression{}, fmt.Errorf("%.*q is not a cron expression: %w", longest, expression, err)
	}
	return e, nil
}

func parse(expression string) (e Expression, err error) {
	fields := strings.Fields(expression)
	if len(fields) == 1 && strings.HasPrefix(fields[0], "@") {
		meaning, known := aliases[fields[0]]
		if !known {
			return e, errors.New("the aliases are @yearly, @monthly, @weekly, @daily and @hourly")
		}
		fields = strings.Fields(meaning)
	}
	const withoutSeconds, withSeconds = 5, 6
	switch len(fields) {
	case withoutSeconds:
		fields = append([]string{"0"}, fields...)
	case withSeconds:
	default:
		return e, fmt.Errorf("it has %d fields; want minute, hour, day of month, month and day of week, with seconds before them if need be", len(fields))
	}
	for _, part := range []struct {
		field field
		text  string
		into  *set
	}{
		{secondsField, fields[0], &e.seconds}, {minutesField, fields[1], &e.minutes}, {hoursField, fields[2], &e.hours},
		{monthsField, fields[4], &e.months},
	} {
		if *part.into, err = part.field.list(part.text, nil); err != nil {
			return e, err
		}
	}
	if e.days, err = parseDays(fields[3], fields[5]); err != nil {
		return e, err
	}
	return e, e.checkDates()
}

// checkDates refuses dates that there never are.
func (e Expression) checkDates() error {
	month, _ := e.months.from(0)
	day, named := e.days.ofMonth.from(0)
	only := e.months == 1<<month
	const leapYear = 2000
	if only && named && !e.days.lastOfMonth && day > daysIn(time.Date(leapYear, time.Month(month), 1, 0, 0, 0, 0, time.UTC)) {
		return fmt.Errorf("%v has no day %d", time.Month(month), day)
	}
	if e.Next(time.Date(leapYear, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return errors.New("there is no such day in any of its months")
	}
	return nil
}

// parseDays reads the two fields that name days.
func parseDays(ofMonth, ofWeek string) (d days, err error) {
	d.ofMonth, err = ofMonthField.list(ofMonth, func(item string) (bool, error) {
		d.lastOfMonth = d.lastOfMonth || item == "L"
		return item == "L", nil
	})
	if err != nil {
		return d, err
	}
	if weekday, nth, found := strings.Cut(ofWeek, "#"); found {
		return d, d.nthOfWeek(weekday, nth)
	}
	d.ofWeek, err = ofWeekField.list(ofWeek, func(item string) (bool, error) {
		weekday, found := strings.CutSuffix(item, "L")
		if !found {
			return false, nil
		}
		n, err := ofWeekField.number(weekday)
		d.lastOfWeek.add(n % sundayToo)
		return true, err
	})
	return d, err
}

// nthOfWeek reads a weekday of which only one in a month matches.
func (d *days) nthOfWeek(weekday, nth string) error {
	n, err := ofWeekField.number(weekday)
	if err != nil {
		return err
	}
	if len(nth) != 1 || nth < "1" || nth > "5" {
		return ofWeekField.problem("want # and a number from 1 to 5, and nothing else, not %.20q", "#"+nth)
	}
	d.ofWeek.add(n % sundayToo)
	d.nth = int(nth[0] - '0')
	return nil
}
