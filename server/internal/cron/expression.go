package cron

import "time"

// furthest is how many years in the future a tick is looked for. The rarest day that an
// expression can name, a fifth weekday of a February, comes back after 40 at the
// most.
const furthest = 50

// Expression is a cron expression that was read by [Parse].
type Expression struct {
	seconds, minutes, hours, months set
	days                            days
}

// days says which days match.
type days struct {
	// ofMonth and ofWeek are restricted if they leave out any day.
	ofMonth, ofWeek set
	// lastOfMonth is set for the last day of a month.
	lastOfMonth bool
	// lastOfWeek are the weekdays whose last one of a month matches.
	lastOfWeek set
	// nth is which one of a month's weekdays in ofWeek matches; 0 for all.
	nth int
}

// Next returns the first time after the given one at which the expression ticks,
// to the second.
func (e Expression) Next(after time.Time) time.Time {
	start := after.UTC().Truncate(time.Second).Add(time.Second)
	year, month, day := start.Date()
	limit := year + furthest
	for year <= limit {
		if !e.months.has(int(month)) {
			year, month, day = date(year, month+1, 1)
			continue
		}
		midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		if e.days.match(midnight) {
			from := 0
			if midnight.Before(start) {
				from = int(start.Sub(midnight) / time.Second)
			}
			if second, ok := e.timeOfDay(from); ok {
				return midnight.Add(time.Duration(second) * time.Second)
			}
		}
		year, month, day = date(year, month, day+1)
	}
	return time.Time{} // of an expression that Parse refuses
}

// date returns the date that the numbers stand for, such as 1 February for the
// 32nd of January.
func date(year int, month time.Month, day int) (int, time.Month, int) {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Date()
}

// timeOfDay returns the first time of a day, in seconds since midnight, that is
// not before the given one.
func (e Expression) timeOfDay(from int) (int, bool) {
	hour, minute, second := from/3600, from/60%60, from%60
	for h, ok := e.hours.from(hour); ok; h, ok = e.hours.from(h + 1) {
		if h > hour {
			minute, second = 0, 0
		}
		for m, ok := e.minutes.from(minute); ok; m, ok = e.minutes.from(m + 1) {
			if h > hour || m > minute {
				second = 0
			}
			if s, ok := e.seconds.from(second); ok {
				return h*3600 + m*60 + s, true
			}
		}
	}
	return 0, false
}

// match reports whether a day matches.
func (d days) match(day time.Time) bool {
	ofMonth, ofWeek := d.matchOfMonth(day), d.matchOfWeek(day)
	switch anyOfMonth, anyOfWeek := d.ofMonth == all(ofMonthField), d.ofWeek == all(ofWeekField) && d.lastOfWeek == 0 && d.nth == 0; {
	case anyOfMonth:
		return ofWeek
	case anyOfWeek:
		return ofMonth
	}
	return ofMonth || ofWeek
}

func (d days) matchOfMonth(day time.Time) bool {
	return d.ofMonth.has(day.Day()) || d.lastOfMonth && day.Day() == daysIn(day)
}

func (d days) matchOfWeek(day time.Time) bool {
	weekday := int(day.Weekday())
	const week = 7
	if d.lastOfWeek.has(weekday) && day.Day() > daysIn(day)-week {
		return true
	}
	return d.ofWeek.has(weekday) && (d.nth == 0 || (day.Day()-1)/week+1 == d.nth)
}

// daysIn returns how many days the month of a day has.
func daysIn(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
