package cron_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/cron"
)

// reference is the time that the vectors start from, a Friday
// (docs/protocol/triggers.md §4.2).
const reference = "2024-03-15T10:20:30.500Z"

// vectors are the next two ticks of expressions. They are the specification's, but
// for one: there 2/2 also ticks on Sundays, which is on its list of what not to
// copy (docs/protocol/triggers.md §8.13).
var vectors = []struct{ expression, next, then string }{
	{"* * * * *", "2024-03-15T10:21:00Z", "2024-03-15T10:22:00Z"},
	{"*/5 * * * *", "2024-03-15T10:25:00Z", "2024-03-15T10:30:00Z"},
	{"*/7 * * * *", "2024-03-15T10:21:00Z", "2024-03-15T10:28:00Z"},
	{"5/15 * * * *", "2024-03-15T10:35:00Z", "2024-03-15T10:50:00Z"},
	{"10-20/5 * * * *", "2024-03-15T11:10:00Z", "2024-03-15T11:15:00Z"},
	{"0 9 * * *", "2024-03-16T09:00:00Z", "2024-03-17T09:00:00Z"},
	{"20 10 * * *", "2024-03-16T10:20:00Z", "2024-03-17T10:20:00Z"},
	{"30 14 * * 1", "2024-03-18T14:30:00Z", "2024-03-25T14:30:00Z"},
	{"0 0 1 * *", "2024-04-01T00:00:00Z", "2024-05-01T00:00:00Z"},
	{"0 0 31 * *", "2024-03-31T00:00:00Z", "2024-05-31T00:00:00Z"},
	{"0 0 */2 * *", "2024-03-17T00:00:00Z", "2024-03-19T00:00:00Z"},
	{"0 0 * */3 *", "2024-04-01T00:00:00Z", "2024-04-02T00:00:00Z"},
	{"0 0 1 */13 *", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
	{"0 0 * jan,jul *", "2024-07-01T00:00:00Z", "2024-07-02T00:00:00Z"},
	{"0 0 * * 0", "2024-03-17T00:00:00Z", "2024-03-24T00:00:00Z"},
	{"0 0 * * 7", "2024-03-17T00:00:00Z", "2024-03-24T00:00:00Z"},
	{"0 0 * * sun", "2024-03-17T00:00:00Z", "2024-03-24T00:00:00Z"},
	{"0 0 * * MON-FRI", "2024-03-18T00:00:00Z", "2024-03-19T00:00:00Z"},
	{"0 0 * * fri,sat", "2024-03-16T00:00:00Z", "2024-03-22T00:00:00Z"},
	{"0 0 * * 1-7", "2024-03-16T00:00:00Z", "2024-03-17T00:00:00Z"},
	{"0 0 * * 6-7", "2024-03-16T00:00:00Z", "2024-03-17T00:00:00Z"},
	{"0 0 13 * *", "2024-04-13T00:00:00Z", "2024-05-13T00:00:00Z"},
	{"0 0 13 * 5", "2024-03-22T00:00:00Z", "2024-03-29T00:00:00Z"},
	{"0 0 1,15 * 5", "2024-03-22T00:00:00Z", "2024-03-29T00:00:00Z"},
	{"0 0 13 * ?", "2024-04-13T00:00:00Z", "2024-05-13T00:00:00Z"},
	{"0 0 ? * 3", "2024-03-20T00:00:00Z", "2024-03-27T00:00:00Z"},
	{"0 0 13 * 0-6", "2024-03-16T00:00:00Z", "2024-03-17T00:00:00Z"},
	{"0 0 1-31 * 5", "2024-03-22T00:00:00Z", "2024-03-29T00:00:00Z"},
	{"0 0 29 2 *", "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"},
	{"0 0 29 2 1", "2025-02-03T00:00:00Z", "2025-02-10T00:00:00Z"},
	{"0 0 31 2,3 *", "2024-03-31T00:00:00Z", "2025-03-31T00:00:00Z"},
	{"0 0 L * *", "2024-03-31T00:00:00Z", "2024-04-30T00:00:00Z"},
	{"0 0 L,10 * *", "2024-03-31T00:00:00Z", "2024-04-10T00:00:00Z"},
	{"0 0 * * 5L", "2024-03-29T00:00:00Z", "2024-04-26T00:00:00Z"},
	{"0 0 * * 7L", "2024-03-31T00:00:00Z", "2024-04-28T00:00:00Z"},
	{"0 0 * * 1#2", "2024-04-08T00:00:00Z", "2024-05-13T00:00:00Z"},
	{"0 0 * * 5#5", "2024-03-29T00:00:00Z", "2024-05-31T00:00:00Z"},
	{"*/10 * * * * *", "2024-03-15T10:20:40Z", "2024-03-15T10:20:50Z"},
	{"30 */5 * * * *", "2024-03-15T10:25:30Z", "2024-03-15T10:30:30Z"},
	{"@hourly", "2024-03-15T11:00:00Z", "2024-03-15T12:00:00Z"},
	{"@daily", "2024-03-16T00:00:00Z", "2024-03-17T00:00:00Z"},
	{"@weekly", "2024-03-17T00:00:00Z", "2024-03-24T00:00:00Z"},
	{"@monthly", "2024-04-01T00:00:00Z", "2024-05-01T00:00:00Z"},
	{"@yearly", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
	{"  0   9 * * *  ", "2024-03-16T09:00:00Z", "2024-03-17T09:00:00Z"},
	{"0 0 * * 2/2", "2024-03-16T00:00:00Z", "2024-03-19T00:00:00Z"},
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestAnExpressionTicksWhenTheProtocolSays(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.expression, func(t *testing.T) {
			t.Parallel()
			expression, err := cron.Parse(v.expression)
			if err != nil {
				t.Fatal(err)
			}
			next := expression.Next(at(t, reference))
			if want := at(t, v.next); !next.Equal(want) {
				t.Errorf("ticks at %v, want %v", next, want)
			}
			if then, want := expression.Next(next), at(t, v.then); !then.Equal(want) {
				t.Errorf("then ticks at %v, want %v", then, want)
			}
		})
	}
}

// refusals are what is no expression, with a part of why. The first ones are the
// protocol's vectors.
var refusals = []struct{ expression, because string }{
	{"0 0 30 2 *", "February has no day 30"},
	{"0 0 31 4 *", "April has no day 31"},
	{"0 0 31 2,4 *", "no such day"},
	{"@annually", "the aliases are"},
	{"@midnight", "the aliases are"},
	{"@reboot", "the aliases are"},
	{"@DAILY", "the aliases are"},
	{"60 * * * *", "minutes: 60 is not from 0 to 59"},
	{"* 24 * * *", "hours: 24 is not from 0 to 23"},
	{"0 0 0 * *", "day of month: 0 is not from 1 to 31"},
	{"0 0 * 13 *", "month: 13 is not from 1 to 12"},
	{"0 0 * * 8", "day of week: 8 is not from 0 to 7"},
	{"5-1 * * * *", "the wrong way round"},
	{"1,2, * * * *", "is not a number"},
	{"*/0 * * * *", "greater than zero"},
	{"? * * * *", "is not a number"},
	{"0 0 15W * *", "is not a number"},
	{"0 0 LW * *", "is not a number"},
	{"0 0 L-3 * *", "is not a number"},
	{"0 0 * * SUNDAY", "three letters"},
	{"H * * * *", "is not a number"},
	{"0 0 0 1 1 * 2025", "7 fields"},
	{"", "0 fields"},
	{"   ", "0 fields"},
	{"* * * *", "4 fields"},
	{"@daily * * * *", "is not a number"},
	{"+5 * * * *", "is not a number"},
	{"1.5 * * * *", "is not a number"},
	{"5- * * * *", "is not a number"},
	{"-5 * * * *", "is not a number"},
	{"1-5-9 * * * *", "is not a number"},
	{"*/2/3 * * * *", "greater than zero"},
	{"*/ * * * *", "greater than zero"},
	{"/5 * * * *", "is not a number"},
	{"*/99999999999999999999 * * * *", "greater than zero"},
	{"99999999999999999999 * * * *", "is not a number"},
	{"0 0 * ? *", "neither a number nor a name"},
	{"0 0 * * L", "neither a number nor a name"},
	{"0 0 * * 8L", "from 0 to 7"},
	{"0 0 * * 1#6", "from 1 to 5"},
	{"0 0 * * 1#0", "from 1 to 5"},
	{"0 0 * * 1#2,3#1", "from 1 to 5"},
	{"0 0 * * 1-2#2", "neither a number nor a name"},
	{"0 0 * * mon,2#2", "neither a number nor a name"},
	{"0 0 * * #", "neither a number nor a name"},
	{"0 0 30 2 1", "February has no day 30"},
	{"0 0 * january *", "three letters"},
	{"0 0 * * m\u00f6n", "three letters"},
}

func TestWhatIsNoExpressionIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	for _, r := range refusals {
		t.Run(r.expression, func(t *testing.T) {
			t.Parallel()
			if _, err := cron.Parse(r.expression); err == nil || !strings.Contains(err.Error(), r.because) {
				t.Errorf("the error is %v, want one with %q", err, r.because)
			}
		})
	}
}

func TestTheNextTickIsStrictlyLater(t *testing.T) {
	t.Parallel()
	expression, err := cron.Parse("20 10 * * *")
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"2024-03-15T10:20:00Z":           "2024-03-16T10:20:00Z",
		"2024-03-15T10:19:59.999Z":       "2024-03-15T10:20:00Z",
		"2024-03-15T11:19:59.999+01:00":  "2024-03-15T10:20:00Z",
		"1969-12-31T10:20:00.000000001Z": "1970-01-01T10:20:00Z",
	} {
		if got := expression.Next(at(t, from)); !got.Equal(at(t, want)) {
			t.Errorf("after %s ticks at %v, want %s", from, got, want)
		}
	}
}

func TestFarTicks(t *testing.T) {
	t.Parallel()
	for _, far := range []struct{ expression, from, want string }{
		{"0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 0 * 2 1#5", "2072-03-01T00:00:00Z", "2112-02-29T00:00:00Z"},
		{"59 59 23 31 12 ?", "2024-12-31T23:59:59Z", "2025-12-31T23:59:59Z"},
		{"0 0 * * fri,1L", "2024-03-15T00:00:00Z", "2024-03-22T00:00:00Z"},
		{"0 0 * * monL", "2024-03-15T00:00:00Z", "2024-03-25T00:00:00Z"},
		{"0 0 10 * 7#1", "2024-03-04T00:00:00Z", "2024-03-10T00:00:00Z"},
		{"0 0 * * 1/2", "2024-03-15T00:00:00Z", "2024-03-17T00:00:00Z"},
	} {
		expression, err := cron.Parse(far.expression)
		if err != nil {
			t.Fatal(err)
		}
		if got := expression.Next(at(t, far.from)); !got.Equal(at(t, far.want)) {
			t.Errorf("%s after %s ticks at %v, want %s", far.expression, far.from, got, far.want)
		}
	}
}
