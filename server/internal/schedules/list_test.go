package schedules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestSchedulesAreListedPageByPage(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	jobs, dynamics := twoJobs()
	index(t, client, app, append(jobs, job("alone", scheduled(interval(60)))), dynamics)
	for i := range 5 {
		register(t, client, "customers", fmt.Sprint("customer-", i), cron("@daily"), nil)
	}
	for query, want := range map[string]string{
		"":                                    "customer-4 customer-3 customer-2 customer-1 customer-0 alone",
		"take=4":                              "customer-4 customer-3 customer-2 customer-1 customer-0 alone",
		"take=1&job=first":                    "customer-4 customer-3 customer-2 customer-1 customer-0",
		"job=alone":                           "alone",
		"job=unknown":                         "",
		"dynamicSchedule=customers&take=5":    "customer-4 customer-3 customer-2 customer-1 customer-0",
		"dynamicSchedule=empty":               "",
		"active=false":                        "",
		"active=true&dynamicSchedule=unknown": "",
	} {
		names, cursor := []string{}, ""
		for {
			var page struct {
				Schedules  []listed
				NextCursor string
			}
			client.OK("GET", "/api/runhook/v1/schedules?"+query+"&cursor="+cursor, nil, &page)
			for _, l := range page.Schedules {
				names = append(names, l.Job+l.Key)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("?%s lists %s, want %s", query, got, want)
		}
	}
	for _, wrong := range []string{"active=perhaps", "take=many"} {
		if answer := client.Do("GET", "/api/runhook/v1/schedules?"+wrong, nil); answer.Status != 400 || answer.Error() == "" {
			t.Errorf("?%s answered %d %s", wrong, answer.Status, answer.Body)
		}
	}
	if others := list(s.Development(), ""); len(others) != 0 {
		t.Errorf("another environment has %+v", others)
	}
}
