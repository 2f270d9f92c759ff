package dashboard

import (
	"net/http"
	"net/url"
	"time"

	"github.com/runhook/runhook/client"
)

// listedEvent is an event as the API lists it.
type listedEvent struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Source      string    `json:"source"`
	AccountID   string    `json:"accountId"`
	IsTest      bool      `json:"isTest"`
	DeliverAt   time.Time `json:"deliverAt"`
	DeliveredAt time.Time `json:"deliveredAt"`
	CancelledAt time.Time `json:"cancelledAt"`
	CreatedAt   time.Time `json:"createdAt"`
	RunCount    int       `json:"runCount"`
}

// events is the page of events, newest first.
func (d *Dashboard) events(r *http.Request, e *Environment) (*page, error) {
	var listed struct {
		Events     []listedEvent
		NextCursor string
	}
	if err := d.ask(r.Context(), e, "GET", own+"/events", passOn(r, "name"), nil, &listed); err != nil {
		return nil, err
	}
	return &page{Name: "events", Section: "events", Title: "Events", Live: true, Data: map[string]any{
		"Events": listed.Events, "Listing": newListing(r, listed.NextCursor, "name"), "Event": r.URL.Query().Get("name"),
	}}, nil
}

// listedSchedule is a schedule as the API lists it.
type listedSchedule struct{ client.Schedule }

// Words says when it ticks.
func (s listedSchedule) Words() string { return scheduleWords(s.Schedule.Schedule) }

// schedules is the page of schedules.
func (d *Dashboard) schedules(r *http.Request, e *Environment) (*page, error) {
	var listed struct {
		Schedules  []listedSchedule
		NextCursor string
	}
	if err := d.ask(r.Context(), e, "GET", own+"/schedules", passOn(r), nil, &listed); err != nil {
		return nil, err
	}
	return &page{Name: "schedules", Section: "schedules", Title: "Schedules", Live: true, Data: map[string]any{
		"Schedules": listed.Schedules, "Listing": newListing(r, listed.NextCursor),
	}}, nil
}

// subscriptions is the page of standing subscriptions.
func (d *Dashboard) subscriptions(r *http.Request, e *Environment) (*page, error) {
	var listed struct {
		Subscriptions []client.Subscription
		NextCursor    string
	}
	if err := d.ask(r.Context(), e, "GET", own+"/subscriptions", passOn(r), nil, &listed); err != nil {
		return nil, err
	}
	return &page{Name: "subscriptions", Section: "subscriptions", Title: "Subscriptions", Live: true, Data: map[string]any{
		"Subscriptions": listed.Subscriptions, "Listing": newListing(r, listed.NextCursor),
	}}, nil
}

// notificationStatuses are the choices on the page of notifications.
var notificationStatuses = []struct{ Name, Title string }{
	{"", "All"}, {string(client.NotificationPending), "Pending"}, {string(client.NotificationDelivered), "Delivered"},
	{string(client.NotificationExhausted), "Exhausted"}, {string(client.NotificationHeld), "Held"},
}

// notifications is the page of notifications, newest first.
func (d *Dashboard) notifications(r *http.Request, e *Environment) (*page, error) {
	var listed struct {
		Notifications []client.Notification
		NextCursor    string
	}
	if err := d.ask(r.Context(), e, "GET", own+"/notifications", passOn(r, "status", "subscription"), nil, &listed); err != nil {
		return nil, err
	}
	return &page{Name: "notifications", Section: "notifications", Title: "Notifications", Live: true, Data: map[string]any{
		"Notifications": listed.Notifications, "Listing": newListing(r, listed.NextCursor, "status", "subscription"),
		"Statuses": notificationStatuses, "Status": r.URL.Query().Get("status"),
	}}, nil
}

// notificationDetails is a notification as the API shows it.
type notificationDetails struct {
	client.Notification
	Body     string                       `json:"body"`
	Attempts []client.NotificationAttempt `json:"attempts"`
}

// notification is the page of a notification: each attempt, and what is sent.
func (d *Dashboard) notification(r *http.Request, e *Environment) (*page, error) {
	found := new(notificationDetails)
	if err := d.ask(r.Context(), e, "GET", path(own, "notifications", r.PathValue("notification")), url.Values{}, nil, found); err != nil {
		return nil, err
	}
	return &page{Name: "notification", Section: "notifications", Title: "Notification " + short(found.ID), Live: true, Data: found}, nil
}

func (d *Dashboard) resend(r *http.Request, e *Environment) (string, error) {
	id := r.PathValue("notification")
	return path("/env", e.Slug, "notifications", id), d.ask(r.Context(), e, "POST", path(own, "notifications", id, "resend"), nil, struct{}{}, nil)
}
