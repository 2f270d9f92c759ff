package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
)

// listedJob is a job as the API lists it.
type listedJob struct {
	client.Job
	Trigger          trigger         `json:"trigger"`
	ConcurrencyLimit json.RawMessage `json:"concurrencyLimit"`
	Versions         []struct {
		Version string `json:"version"`
		Status  string `json:"status"`
		Latest  bool   `json:"latest"`
	} `json:"versions"`
}

// trigger is what starts runs of a job.
type trigger struct {
	Type     protocol.TriggerType `json:"type"`
	Title    string               `json:"title"`
	ID       string               `json:"id"`
	Schedule protocol.Schedule    `json:"schedule"`
	Rule     protocol.EventRule   `json:"rule"`
}

// Words says what starts runs, for people.
func (t trigger) Words() string {
	switch t.Type {
	case protocol.TriggerInvoke:
		return "invoked"
	case protocol.TriggerScheduled:
		return scheduleWords(t.Schedule)
	case protocol.TriggerDynamic:
		return "dynamic trigger " + t.ID
	}
	if len(t.Rule.Event) == 0 {
		return t.Title
	}
	return "event " + strings.Join(t.Rule.Event, ", ")
}

// scheduleWords says when a schedule ticks.
func scheduleWords(s protocol.Schedule) string {
	switch {
	case s.Options.Cron != "":
		return "cron " + s.Options.Cron
	case s.Options.Seconds > 0:
		return "every " + took(time.Duration(s.Options.Seconds)*time.Second)
	}
	return "schedule"
}

// jobs is the page of jobs.
func (d *Dashboard) jobs(r *http.Request, e *Environment) (*page, error) {
	var listed struct {
		Jobs       []listedJob
		NextCursor string
	}
	if err := d.ask(r.Context(), e, "GET", own+"/jobs", passOn(r), nil, &listed); err != nil {
		return nil, err
	}
	return &page{Name: "jobs", Section: "jobs", Title: "Jobs", Live: true, Data: map[string]any{
		"Jobs": listed.Jobs, "Listing": newListing(r, listed.NextCursor), "ServerURL": d.PublicURL,
	}}, nil
}

// recentRuns is how many runs the pages of a job and of an environment show.
const recentRuns = "10"

// job is the page of a job: its versions, its last runs, and a form to run it.
func (d *Dashboard) job(r *http.Request, e *Environment) (*page, error) {
	id := r.PathValue("job")
	var listed struct{ Jobs []listedJob }
	if err := d.ask(r.Context(), e, "GET", own+"/jobs", url.Values{"slug": {id}}, nil, &listed); err != nil {
		return nil, err
	}
	if len(listed.Jobs) == 0 {
		return nil, &apiError{http.StatusNotFound, fmt.Sprintf("There is no job %q in %s.", id, e.Name)}
	}
	var last struct{ Runs []listedRun }
	if err := d.ask(r.Context(), e, "GET", own+"/runs", url.Values{"job": {id}, "take": {recentRuns}}, nil, &last); err != nil {
		return nil, err
	}
	payload := json.RawMessage("{}")
	if from := r.URL.Query().Get("payload"); from != "" {
		run := new(runDetails)
		if err := d.ask(r.Context(), e, "GET", path(own, "runs", from), url.Values{"taskTake": {"1"}}, nil, run); err != nil {
			return nil, err
		}
		payload = run.Event.Payload
	} else if len(last.Runs) > 0 {
		run := new(runDetails)
		if d.ask(r.Context(), e, "GET", path(own, "runs", last.Runs[0].ID), url.Values{"taskTake": {"1"}}, nil, run) == nil && len(run.Event.Payload) > 0 {
			payload = run.Event.Payload
		}
	}
	return &page{Name: "job", Section: "jobs", Title: id, Data: map[string]any{"Job": listed.Jobs[0], "Runs": last.Runs, "Payload": payload}}, nil
}

// invoke tests a job with the payload of a form, and goes to the run.
func (d *Dashboard) invoke(r *http.Request, e *Environment) (string, error) {
	payload := json.RawMessage(r.PostForm.Get("payload"))
	if !json.Valid(payload) {
		var at any
		return "", &apiError{http.StatusBadRequest, fmt.Sprintf("The payload is not JSON: %v. Go back to mend it.", json.Unmarshal(payload, &at))}
	}
	var started struct{ ID string }
	body := map[string]any{"payload": payload, "options": map[string]string{"accountId": r.PostForm.Get("account")}}
	err := d.ask(r.Context(), e, "POST", path(own, "jobs", r.PostForm.Get("job"), "test"), nil, body, &started)
	return path("/env", e.Slug, "runs", started.ID), err
}
