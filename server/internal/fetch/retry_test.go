package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/fetch"
)

// fixed is a strategy that waits as many seconds, whatever the attempt.
func fixed(seconds int, more ...any) members {
	strategy := members{"strategy": "backoff", "limit": 10, "factor": 1, "minTimeoutInMs": seconds * 1000, "maxTimeoutInMs": seconds * 1000, "randomize": false}
	for i := 0; i < len(more); i += 2 {
		strategy[more[i].(string)] = more[i+1]
	}
	return strategy
}

func TestTheMostPreciseStatusPatternCounts(t *testing.T) {
	t.Parallel()
	busy := members{"busy": []bool{true}}
	tests := []struct {
		name   string
		retry  members
		status int
		body   string
		pause  time.Duration // none means that the task fails
	}{
		{"an exact number", members{"429": fixed(1)}, 429, ``, time.Second},
		{"another number", members{"429": fixed(1)}, 430, ``, 0},
		{"a range from", members{"500-502": fixed(1)}, 500, ``, time.Second},
		{"a range to", members{"500-502": fixed(1)}, 502, ``, time.Second},
		{"beyond a range", members{"500-502": fixed(1)}, 503, ``, 0},
		{"a class", members{"5xx": fixed(1)}, 599, ``, time.Second},
		{"a class in capitals", members{"5XX": fixed(1)}, 500, ``, time.Second},
		{"another class", members{"5xx": fixed(1)}, 404, ``, 0},
		{"a wildcard", members{"50x": fixed(1)}, 509, ``, time.Second},
		{"beyond a wildcard", members{"50x": fixed(1)}, 510, ``, 0},
		{"a list", members{"401, 403": fixed(1)}, 403, ``, time.Second},
		{"a list of patterns", members{"429,5xx": fixed(1)}, 503, ``, time.Second},
		{"all", members{"all": fixed(1)}, 400, ``, time.Second},
		{"no pattern", members{"xxx": fixed(1), "5x": fixed(1), "-1": fixed(1), "": fixed(1), "599-500": fixed(1)}, 500, ``, 0},
		{"a number before a class", members{"5xx": fixed(1), "503": fixed(2), "all": fixed(3)}, 503, ``, 2 * time.Second},
		{"a wildcard before a class", members{"5xx": fixed(1), "50x": fixed(2)}, 503, ``, 2 * time.Second},
		{"a short list before a wildcard", members{"50x": fixed(1), "501,503": fixed(2)}, 503, ``, 2 * time.Second},
		{"a class before all", members{"all": fixed(1), "5xx": fixed(2)}, 503, ``, 2 * time.Second},
		{"a short range before a class", members{"5xx": fixed(1), "500-504": fixed(2)}, 503, ``, 2 * time.Second},
		{"a class before the same as a range", members{"500-599": fixed(1), "5xx": fixed(2)}, 503, ``, 2 * time.Second},
		{"the same numbers in the order of their text", members{"503,501": fixed(1), "501,503": fixed(2)}, 503, ``, 2 * time.Second},
		{"a body that matches", members{"503": fixed(1, "bodyFilter", busy)}, 503, `{"busy":true}`, time.Second},
		{"a body that does not", members{"503": fixed(1, "bodyFilter", busy)}, 503, `{"busy":false}`, 0},
		{"a body that is not JSON", members{"503": fixed(1, "bodyFilter", members{})}, 503, `busy`, 0},
		{"a body that is false", members{"503": fixed(1, "bodyFilter", members{})}, 503, `false`, 0},
		{"the next pattern if the body does not match", members{"503": fixed(1, "bodyFilter", busy), "all": fixed(2)}, 503, `{}`, 2 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			outcome := attempt(t, fetch.OperationFetch, newSite(t, answering(test.status, test.body)).URL, members{"retry": test.retry})
			if want := fmt.Sprintf("Fetch failed with status %d", test.status); outcome.AttemptError != want {
				t.Errorf("attempt error %q", outcome.AttemptError)
			}
			if test.pause == 0 {
				if outcome.Kind != fetch.Failed {
					t.Errorf("%s", outcome.Kind)
				}
				return
			}
			expect(t, outcome, fetch.Again, "", test.pause)
		})
	}
}

func TestBackoffGrowsUntilItsLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(500, ``))
	const ms = time.Millisecond
	tests := []struct {
		name     string
		strategy members
		pauses   []time.Duration // then the task fails
	}{
		{"as the protocol has it by default", members{"randomize": false}, []time.Duration{1000 * ms, 1000 * ms, 1800 * ms, 3240 * ms}},
		{"stretched by chance", members{"limit": 3}, []time.Duration{1500 * ms, 1500 * ms}},
		{"up to a maximum", members{"randomize": false, "factor": 10, "maxTimeoutInMs": 5000}, []time.Duration{1000 * ms, 1000 * ms, 5000 * ms, 5000 * ms}},
		{"not at all with a limit of one", members{"limit": 1}, nil},
		{"not at all with a limit of zero", members{"limit": 0}, nil},
		{"by no less than nothing", members{"limit": 4, "factor": -1e300, "randomize": false}, []time.Duration{1000 * ms, 1000 * ms, 0}},
		{"by no more than a day", members{"limit": 2, "minTimeoutInMs": 1e300, "maxTimeoutInMs": 1e300}, []time.Duration{fetch.MaxPause}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.strategy["strategy"] = "backoff"
			asked := task(t, fetch.OperationFetch, s.URL, members{"retry": members{"all": test.strategy}})
			for _, pause := range test.pauses {
				expect(t, checked(t, client(t).Attempt(context.Background(), asked)), fetch.Again, "", pause)
				asked.Attempt++
			}
			outcome := checked(t, client(t).Attempt(context.Background(), asked))
			expect(t, outcome, fetch.Failed, `{"message":"Fetch failed with status 500"}`, 0)
		})
	}
}

func TestNoTaskIsAttemptedForEver(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(500, ``, "Reset", "1s"))
	for name, strategy := range map[string]members{
		"with a backoff": fixed(1, "limit", 1e9),
		"with a reset":   {"strategy": "headers", "resetHeader": "Reset", "resetFormat": "iso_8601_duration_openai_variant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := task(t, fetch.OperationFetch, s.URL, members{"retry": members{"all": strategy}})
			asked.Attempt = fetch.MaxAttempts - 1
			expect(t, checked(t, client(t).Attempt(context.Background(), asked)), fetch.Again, "", time.Second)
			asked.Attempt = fetch.MaxAttempts
			expect(t, checked(t, client(t).Attempt(context.Background(), asked)), fetch.Failed, `{"message":"Fetch failed with status 500"}`, 0)
		})
	}
}

func TestARateLimitIsWaitedFor(t *testing.T) {
	t.Parallel()
	in := func(pause time.Duration) time.Time { return now.Add(pause) }
	tests := []struct {
		name, format, header string
		pause                time.Duration // -1 means that the task fails
	}{
		{"seconds since 1970", "", fmt.Sprint(in(90 * time.Second).Unix()), 90 * time.Second},
		{"parts of seconds since 1970", "unix_timestamp", fmt.Sprintf("%d.5", in(0).Unix()), 500 * time.Millisecond},
		{"milliseconds since 1970", "unix_timestamp_in_ms", fmt.Sprint(in(1500 * time.Millisecond).UnixMilli()), 1500 * time.Millisecond},
		{"a date", "iso_8601", "2026-01-31T13:30:00+01:00", 30 * time.Minute},
		{"a date with milliseconds", "iso_8601", "2026-01-31T12:00:00.250Z", 250 * time.Millisecond},
		{"a date as HTTP writes it", "iso_8601", "Sat, 31 Jan 2026 12:01:00 GMT", time.Minute},
		{"a duration", "iso_8601_duration_openai_variant", "1h2m3.5s6ms", time.Hour + 2*time.Minute + 3506*time.Millisecond},
		{"a duration of milliseconds", "iso_8601_duration_openai_variant", "6ms", 6 * time.Millisecond},
		{"no more than a day ahead", "iso_8601_duration_openai_variant", "400d", fetch.MaxPause},
		{"no more than a day, however far", "unix_timestamp", "1e300", fetch.MaxPause},
		{"no more than a day, with 400 digits", "unix_timestamp", strings.Repeat("9", 400), fetch.MaxPause},
		{"no more than a day, with 400 digits of days", "iso_8601_duration_openai_variant", strings.Repeat("9", 400) + "d", fetch.MaxPause},
		{"a time that is over", "unix_timestamp", "60", time.Second},
		{"a duration of nothing", "iso_8601_duration_openai_variant", "0s", time.Second},
		{"no header", "unix_timestamp", "", -1},
		{"a number that is none", "unix_timestamp", "soon", -1},
		{"a number without an end", "unix_timestamp", "Inf", -1},
		{"a date that is none", "iso_8601", "tomorrow", -1},
		{"a duration that is none", "iso_8601_duration_openai_variant", "1s2h", -1},
		{"a duration without a unit", "iso_8601_duration_openai_variant", "5", -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, answering(429, ``, "x-reset", test.header))
			strategy := members{"strategy": "headers", "limitHeader": "l", "remainingHeader": "r", "resetHeader": "X-Reset"}
			if test.format != "" {
				strategy["resetFormat"] = test.format
			}
			outcome := attempt(t, fetch.OperationFetch, s.URL, members{"retry": members{"429": strategy}})
			if test.pause < 0 {
				expect(t, outcome, fetch.Failed, `{"message":"Fetch failed with status 429"}`, 0)
				return
			}
			expect(t, outcome, fetch.Again, "", test.pause)
		})
	}
}

func TestAResetInThePastIsNotTriedFasterAndFaster(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(429, ``, "Reset", "1"))
	asked := task(t, fetch.OperationFetch, s.URL, members{"retry": members{"429": members{"strategy": "headers", "resetHeader": "Reset"}}})
	for _, pause := range []time.Duration{time.Second, time.Second, 1800 * time.Millisecond} {
		expect(t, checked(t, client(t).Attempt(context.Background(), asked)), fetch.Again, "", pause)
		asked.Attempt++
	}
	asked.Attempt = 50
	expect(t, checked(t, client(t).Attempt(context.Background(), asked)), fetch.Again, "", time.Minute)
}

func TestABrokenConnectionIsTriedAgainAndThenFails(t *testing.T) {
	t.Parallel()
	gone := newSite(t, answering(200, ``))
	gone.Close()
	broken := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"a":`))
	})
	unpackable := newSite(t, answering(200, `{"a":1}`, "Content-Encoding", "gzip"))
	policy := members{"timeout": members{"retry": fixed(7, "limit", 2)}}
	tests := []struct {
		name, url string
		more      members
		pauses    []time.Duration
		message   string
	}{
		{"three times by itself", gone.URL, nil, []time.Duration{1500 * time.Millisecond, 1500 * time.Millisecond}, "connection refused"},
		{"as often as the task says", gone.URL, policy, []time.Duration{7 * time.Second}, "connection refused"},
		{"also within the answer", broken.URL, policy, []time.Duration{7 * time.Second}, "the answer broke off: unexpected EOF"},
		{"also if the answer cannot be unpacked", unpackable.URL, policy, []time.Duration{7 * time.Second}, "the answer says that it is gzip, but cannot be unpacked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			asked := task(t, fetch.OperationFetch, test.url, test.more)
			for _, pause := range test.pauses {
				expect(t, checked(t, client(t).Attempt(context.Background(), asked)), fetch.Again, "", pause)
				asked.Attempt++
			}
			outcome := checked(t, client(t).Attempt(context.Background(), asked))
			if outcome.Kind != fetch.Failed || !strings.HasPrefix(outcome.AttemptError, "Fetch failed: ") || !strings.Contains(outcome.AttemptError, test.message) {
				t.Errorf("%s: %s", outcome.Kind, outcome.AttemptError)
			}
			if strings.Contains(outcome.AttemptError, test.url) {
				t.Errorf("%q reveals the URL", outcome.AttemptError)
			}
		})
	}
}

// silent never answers.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// stalled answers, but its body does not come.
func stalled(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: stalledBody{r.Context()}, Request: r}, nil
}

type stalledBody struct{ ctx context.Context }

func (b stalledBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (stalledBody) Close() error { return nil }

func TestATimeOutCoversTheBodyAndStaysWithinBounds(t *testing.T) {
	tests := []struct {
		name  string
		site  faked
		asked any
		taken time.Duration
	}{
		{"two minutes by default", silent, nil, 2 * time.Minute},
		{"as long as the task says", silent, 2500, 2500 * time.Millisecond},
		{"at least a second", silent, -5, time.Second},
		{"at most five minutes", silent, 1e18, 5 * time.Minute},
		{"the body included", stalled, 3000, 3 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				more := members{}
				if test.asked != nil {
					more["timeout"] = members{"durationInMs": test.asked}
				}
				started := time.Now()
				c := fetch.New(fetch.Config{Outgoing: test.site})
				outcome := checked(t, c.Attempt(context.Background(), task(t, fetch.OperationFetch, "http://x.test/", more)))
				want := fmt.Sprintf(`{"message":"Fetch timed out after %dms"}`, test.taken.Milliseconds())
				expect(t, outcome, fetch.Failed, want, 0)
				if taken := time.Since(started); taken != test.taken {
					t.Errorf("it took %s", taken)
				}
			})
		})
	}
}

func TestATimeOutIsTriedAgainIfTheTaskSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fetch.New(fetch.Config{Outgoing: faked(silent)})
		asked := task(t, fetch.OperationFetch, "http://x.test/", members{"timeout": members{"durationInMs": 1000, "retry": fixed(9, "limit", 2)}})
		outcome := checked(t, c.Attempt(context.Background(), asked))
		if outcome.Kind != fetch.Again || !outcome.RetryAt.Equal(time.Now().Add(9*time.Second)) || outcome.AttemptError != "Fetch timed out after 1000ms" {
			t.Errorf("%+v", outcome)
		}
		asked.Attempt++
		expect(t, checked(t, c.Attempt(context.Background(), asked)), fetch.Failed, `{"message":"Fetch timed out after 1000ms"}`, 0)
	})
}

func TestSecretsThatComeBackInAnErrorAreHidden(t *testing.T) {
	t.Parallel()
	c := fetch.New(fetch.Config{Outgoing: faked(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("malformed answer %q", r.Header.Get("Authorization"))
	})})
	secret := members{"__redactedString": true, "strings": []string{"Bearer ", ""}, "interpolations": []string{"s3cret"}}
	more := members{"requestInit": members{"headers": members{"authorization": secret}}}
	outcome := checked(t, c.Attempt(context.Background(), task(t, fetch.OperationFetch, "http://x.test/", more)))
	if want := `Fetch failed: malformed answer "Bearer [redacted]"`; outcome.AttemptError != want {
		t.Errorf("%s", outcome.AttemptError)
	}
}
