package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
)

// attention is something that a person should look at, and where.
type attention struct{ Text, Detail, URL string }

// home is the page of an environment: what needs attention, and what ran last. Without an
// app it says how to connect one.
func (d *Dashboard) home(r *http.Request, e *Environment) (*page, error) {
	apps, err := d.listApps(r.Context(), e)
	if err != nil {
		return nil, err
	}
	shown := &page{Name: "home", Section: "", Title: "Home", Live: true}
	if len(apps) == 0 {
		shown.Name, shown.Title = "welcome", "Connect an app"
		shown.Data = map[string]any{"ServerURL": d.PublicURL, "Slug": strings.ToLower(e.Name)}
		return shown, nil
	}
	list := func(group int, take string) (runs []listedRun, err error) {
		query := url.Values{"take": {take}}
		for _, status := range groups[group].statuses {
			query.Add("status", string(status))
		}
		var listed struct{ Runs []listedRun }
		err = d.ask(r.Context(), e, "GET", own+"/runs", query, nil, &listed)
		return listed.Runs, err
	}
	last, err := list(0, recentRuns)
	if err != nil {
		return nil, err
	}
	active, err := list(1, recentRuns)
	if err != nil {
		return nil, err
	}
	failed, err := list(2, pageSize)
	if err != nil {
		return nil, err
	}
	needs, err := d.attention(r.Context(), e, apps)
	if err != nil {
		return nil, err
	}
	shown.Data = map[string]any{"Last": last, "Active": active, "Failures": failures(failed), "Needs": needs, "Apps": apps}
	return shown, nil
}

// failure is runs of a job that failed in the same way.
type failure struct {
	Job    string
	Status protocol.RunStatus
	Count  int
	// Last is the newest of them.
	Last listedRun
}

// failures groups runs, newest first, by job and status.
func failures(runs []listedRun) (groups []failure) {
	for _, run := range runs {
		at := slices.IndexFunc(groups, func(f failure) bool { return f.Job == run.Job.ID && f.Status == run.Status })
		if at < 0 {
			at = len(groups)
			groups = append(groups, failure{Job: run.Job.ID, Status: run.Status, Last: run})
		}
		groups[at].Count++
	}
	return groups
}

// attention lists what does not mend itself.
func (d *Dashboard) attention(ctx context.Context, e *Environment, apps []app) (needs []attention, err error) {
	for _, app := range apps {
		if app.LastIndex != nil && app.LastIndex.Status == "FAILURE" {
			needs = append(needs, attention{"App " + app.Slug + " could not be indexed", app.LastIndex.Problem(), path("/env", e.Slug, "apps")})
		}
	}
	var exhausted struct{ Notifications []client.Notification }
	query := url.Values{"status": {string(client.NotificationExhausted)}, "take": {recentRuns}}
	if err := d.ask(ctx, e, "GET", own+"/notifications", query, nil, &exhausted); err != nil {
		return nil, err
	}
	if n := len(exhausted.Notifications); n > 0 {
		text := plural(n, "notification is", "notifications are") + " exhausted: every attempt failed"
		if n == 10 { // there may be more
			text = "At least " + text
		}
		needs = append(needs, attention{text, "the last to " + host(exhausted.Notifications[0].URL), path("/env", e.Slug, "notifications") + "?status=EXHAUSTED"})
	}
	var standing struct{ Subscriptions []client.Subscription }
	if err := d.ask(ctx, e, "GET", own+"/subscriptions", nil, nil, &standing); err != nil {
		return nil, err
	}
	for _, s := range standing.Subscriptions {
		switch {
		case !s.DisabledAt.IsZero():
			needs = append(needs, attention{"Subscription " + s.Name + " was disabled", s.DisabledReason, path("/env", e.Slug, "subscriptions")})
		case !s.FailingSince.IsZero():
			needs = append(needs, attention{"Nothing arrives at subscription " + s.Name, host(s.URL), path("/env", e.Slug, "subscriptions")})
		}
	}
	var aside struct {
		SetAside []struct{ Kind, ID, RunID, Reason string }
	}
	if err := d.ask(ctx, e, "GET", own+"/set-aside", nil, nil, &aside); err != nil {
		return nil, err
	}
	for _, row := range aside.SetAside {
		to := path("/env", e.Slug)
		if strings.HasPrefix(row.ID, "run_") {
			to = path("/env", e.Slug, "runs", row.ID)
		}
		needs = append(needs, attention{"A " + row.Kind + " was set aside", row.Reason, to})
	}
	return needs, nil
}

// app is an app as the API lists it.
type app struct {
	Slug       string `json:"slug"`
	URL        string `json:"url"`
	SDKVersion string `json:"sdkVersion"`
	CreatedAt  moment `json:"createdAt"`
	UpdatedAt  moment `json:"updatedAt"`
	LastIndex  *index `json:"lastIndex"`
}

// moment is a time of the API.
type moment = protocol.Time

// index is what asking an app for its jobs came to.
type index struct {
	Status    string         `json:"status"`
	UpdatedAt moment         `json:"updatedAt"`
	Stats     map[string]int `json:"stats"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error"`
	MovedFrom string `json:"movedFrom"`
}

// Problem says why it failed; empty if it did not.
func (i *index) Problem() string {
	if i.Error == nil {
		return ""
	}
	return i.Error.Message
}

func (d *Dashboard) listApps(ctx context.Context, e *Environment) ([]app, error) {
	var listed struct{ Endpoints []app }
	err := d.ask(ctx, e, "GET", own+"/endpoints", nil, nil, &listed)
	return listed.Endpoints, err
}

// apps is the page of apps.
func (d *Dashboard) apps(r *http.Request, e *Environment) (*page, error) {
	apps, err := d.listApps(r.Context(), e)
	if err != nil {
		return nil, err
	}
	return &page{Name: "apps", Section: "apps", Title: "Apps", Live: true, Data: map[string]any{"Apps": apps}}, nil
}
