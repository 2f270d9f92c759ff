// Package api is the server's HTTP API: it decodes requests, finds out on whose
// behalf they are, calls the part of the server that does the work, and encodes
// what it says.
//
// Two families of routes share it: those of the protocol, whose bytes are fixed
// by the published clients (success is exactly 200, optional members are absent
// rather than null, errors are JSON with a string error), and our own under
// /api/runhook/v1/.
package api

import (
	"log/slog"
	"net/http"

	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/apps"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/inbound"
	"github.com/runhook/runhook/server/internal/inbound/source"
	"github.com/runhook/runhook/server/internal/intake"
	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/outbox"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/quota"
	"github.com/runhook/runhook/server/internal/runs"
	"github.com/runhook/runhook/server/internal/schedules"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/subscriptions"
)

// Config is what the API works with. Every field is required.
type Config struct {
	Store     *store.Store
	Runs      *runs.Engine
	Apps      *apps.Service
	Events    *events.Service
	Schedules *schedules.Service
	Inbound   *inbound.Service
	Source    *source.Service
	// MaximumRequest bounds the bodies of requests to HTTP endpoints, in bytes.
	MaximumRequest int64
	// Quota bounds what callers without a key may have kept.
	Quota *quota.Quota
	// Proxies are believed about who calls.
	Proxies listener.Proxies
	// Rooms are where request bodies are read.
	Rooms intake.Rooms
	// Answers is where answers are made that may be large.
	Answers *answer.Room
	// RequestsInProgress is how many requests an environment may have in progress,
	// besides those of executions under way; 0 for any number.
	RequestsInProgress int
	Outbox             *outbox.Outbox
	Subscriptions      *subscriptions.Service
	Doctor             *doctor.Service
	PubSub             *pubsub.Broadcaster
	// Version is the program's.
	Version string
	// PublicURL names this server to those whom it refuses.
	PublicURL string
	Clock     clock.Clock
	// Health is asked by /readyz.
	Health *health.Monitor
	Log    *slog.Logger
	// AccessLog has each request logged.
	AccessLog bool
}

// API answers requests. It may be used concurrently.
type API struct {
	Config
	router    *router
	wrongKeys *wrongKeys
	// inProgress counts the requests of each environment.
	inProgress *budget.Budget[string]
	// overloadLog says when it is to be logged that there is no room for requests.
	overloadLog seldom
}

// New returns the API as a handler.
func New(config Config) *API {
	a := &API{
		Config: config, router: newRouter(), wrongKeys: newWrongKeys(config.Clock, config.Log),
		inProgress: budget.New[string](budget.Unlimited, int64(config.RequestsInProgress)),
	}
	a.routes()
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.AccessLog {
		a.logged(w, r)
		return
	}
	a.router.ServeHTTP(w, r)
}

func (a *API) routes() {
	a.router.handle("GET", "/", plain(a.home))
	a.probeRoutes(a.router)
	a.router.handle("GET", "/healthcheck", plain(a.healthcheck))

	a.readRoutes()
	a.doctorRoutes()
	a.indexRoutes()
	a.ingressRoutes()
	a.sourceRoutes()
	a.absentRoutes()
	a.subscriptionRoutes()
	a.router.handle("GET", "/api/v1/whoami", a.secret(a.whoami))
	a.router.handle("POST", "/api/v1/endpoints", a.secret(a.registerEndpoint))
	a.router.handle("GET", "/api/v1/endpointindex/{index}", a.secret(a.endpointIndex))

	a.router.handle("POST", "/api/v1/events", a.secret(a.sendEvent))
	a.router.handle("POST", "/api/v1/events/bulk", a.secret(a.sendEvents))
	// The ids of events arrive unescaped, and may hold slashes.
	a.browser("/api/v1/events/{event...}", a.public(a.getEventLegacy))
	a.browser("/api/v1/events/bulk", a.public(a.getEventNamedBulk))
	a.browser("/api/v2/events/{event...}", a.public(a.getEvent))
	a.router.handle("POST", "/api/v1/events/{event...}", a.secret(a.changeEvent))

	// The keys of schedules may hold slashes, as that in the SDK's documentation.
	a.router.handle("POST", "/api/v1/{endpoint+}/schedules/{schedule+}/registrations", a.secret(a.registerSchedule))
	a.router.handle("DELETE", "/api/v1/{endpoint+}/schedules/{schedule+}/registrations/{key...}", a.secret(a.unregisterSchedule))
	a.router.handle("POST", "/api/v1/event-dispatchers/ephemeral", a.secret(a.waitForEvent))

	for method, handle := range map[string]handler{"GET": a.getValue, "HEAD": a.hasValue, "PUT": a.putValue, "DELETE": a.deleteValue} {
		// Keys arrive escaped from the SDK, but may hold slashes from others.
		a.router.handle(method, "/api/v1/store/{key...}", a.secret(handle))
	}

	a.router.handle("POST", "/api/v1/jobs/{job+}/invoke", a.secret(a.invokeJob))
	a.router.handle("POST", "/api/v1/jobs/{job+}/cancel-runs", a.secret(a.cancelJobRuns))
	a.browser("/api/v1/jobs/{job+}/runs", a.secret(a.jobRuns))

	a.browser("/api/v1/runs/{run}", a.public(a.getRunLegacy))
	a.browser("/api/v2/runs/{run}", a.public(a.getRun))
	a.browser("/api/v1/runs/{run}/statuses", a.public(a.getStatusesLegacy))
	a.browser("/api/v2/runs/{run}/statuses", a.public(a.getStatuses))
	// The keys of statuses arrive unescaped from the SDK, and may hold slashes.
	a.router.handle("PUT", "/api/v1/runs/{run}/statuses/{status...}", a.execution(a.putStatus))
	a.router.handle("POST", "/api/v1/runs/{run}/cancel", a.secret(a.cancelRun))
	a.router.handle("POST", "/api/v1/runs/{run}/logs", a.execution(a.log))

	a.router.handle("POST", "/api/v1/runs/{run}/tasks", a.execution(a.taskCall(a.createTask)))
	a.router.handle("POST", "/api/v1/runs/{run}/tasks/{task}/complete", a.execution(a.taskCall(a.completeTask)))
	a.router.handle("POST", "/api/v1/runs/{run}/tasks/{task}/fail", a.execution(a.failTask))
	a.router.handle("POST", "/api/v1/tasks/{task}/callback/{secret}", a.open(a.callBack))
	a.router.handle("POST", "/api/v1/runs/{run}/tasks/{task}/callback/{secret}", a.open(a.callBack))

	a.router.handle("DELETE", "/api/runhook/v1/endpoints/{endpoint+}", a.secret(a.removeEndpoint))
	a.router.handle("POST", "/api/runhook/v1/runs", a.secret(a.invokeBatch))
	a.router.handle("POST", "/api/runhook/v1/runs/{run}/continue", a.secret(a.continueRun))
	a.router.handle("POST", "/api/runhook/v1/runs/{run}/rerun", a.secret(a.rerun))
	a.router.handle("POST", "/api/runhook/v1/jobs/{job+}/test", a.secret(a.testJob))
	a.router.handle("GET", "/api/runhook/v1/notifications", a.secret(a.listNotifications))
	a.router.handle("GET", "/api/runhook/v1/notifications/feed", a.secret(a.feed))
	a.router.handle("POST", "/api/runhook/v1/notifications/replay", a.secret(a.replayNotifications))
	a.router.handle("GET", "/api/runhook/v1/notifications/{notification}", a.secret(a.getNotification))
	a.router.handle("POST", "/api/runhook/v1/notifications/{notification}/resend", a.secret(a.resendNotification))
}

// request is a request on behalf of an environment; environment is nil on routes
// that need no key.
type request struct {
	*http.Request
	environment *model.Environment
	// readOnly is set when the key is a public one.
	readOnly bool
	api      *API
	// room is where its body is read; body is what was read.
	room *intake.Room
	body *intake.Body
}

// handler answers a request, or returns an error to be answered.
type handler func(w http.ResponseWriter, r *request) error
