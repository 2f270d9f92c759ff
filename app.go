package runhook

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// Version is the version of this SDK.
const Version = "0.1.0"

// DefaultAPIURL is where a server is looked for when nothing names another.
const DefaultAPIURL = client.DefaultAPIURL

// Config says what an [App] is and how it reaches its server. Only ID is
// required.
type Config struct {
	// ID names the endpoint: the same for all instances of one app.
	ID string
	// APIKey is the secret key of the environment the app runs in. The app
	// and the server know each other by it. Default: RUNHOOK_API_KEY.
	APIKey string
	// APIURL is the address of the server. Default: RUNHOOK_API_URL, else
	// [DefaultAPIURL].
	APIURL string
	// HTTPClient makes the requests to the server. The default keeps many
	// connections open for reuse, gives up on an answer after a minute and follows
	// no redirects. Whatever is given here, the API key follows none to another
	// origin (scheme, host and port).
	HTTPClient *http.Client
	// Logger receives the app's log. Default: [slog.Default].
	Logger *slog.Logger
	// MaxBodyBytes is the largest request that the endpoint accepts. Default: 32
	// MiB, well above the largest that a server sends by itself.
	MaxBodyBytes int64
	// Middleware is around the executions of all jobs and their tasks.
	Middleware []Middleware
	// Now is the clock. Default: [time.Now]. Tests replace it.
	Now func() time.Time
}

const defaultMaxBodyBytes = 32 << 20

// An App is a program's jobs and what they run on. It is the [http.Handler] of the
// endpoint at which the server reaches them. Whatever a program asks of the server
// otherwise, it asks a [client.Client]: see [App.Client]. All methods of an App may be
// called at once.
type App struct {
	id           string
	maxBodyBytes int64
	backend      backend
	transport    *transport.Client
	httpClient   *http.Client // as it was given; nil for the default
	logger       *slog.Logger
	now          func() time.Time
	middleware   []Middleware

	mu        sync.RWMutex
	jobs      map[string]*registeredJob
	order     []string
	schedules []*DynamicSchedule
	triggers  []*dynamicTrigger
	endpoints []*HTTPEndpoint
}

// New returns an app. It panics if the configuration has no ID. A missing API
// key is reported by what needs it, so that a program can be built without one.
func New(config Config) *App {
	if config.ID == "" {
		panic("runhook.New: Config.ID is empty: it names the endpoint of the app, for example \"shop\"")
	}
	if problem := protocol.PathProblem(config.ID); problem != "" {
		panic(fmt.Sprintf("runhook.New: Config.ID %q cannot be: %s", config.ID, problem))
	}
	app := &App{
		id:           config.ID,
		maxBodyBytes: cmp.Or(config.MaxBodyBytes, defaultMaxBodyBytes),
		transport:    transport.New(transport.Config{URL: config.APIURL, Key: config.APIKey, HTTPClient: config.HTTPClient}),
		httpClient:   config.HTTPClient,
		logger:       cmp.Or(config.Logger, slog.Default()),
		now:          config.Now,
		middleware:   config.Middleware,
		jobs:         map[string]*registeredJob{},
	}
	if app.now == nil {
		app.now = time.Now
	}
	app.backend = &api{app.transport}
	return app
}

// Client returns a client of the app's server, with the app's key. The error says that
// there is no key, or what is wrong with the server's URL.
func (a *App) Client() (*client.Client, error) {
	return client.New(client.Config{
		APIURL: a.transport.URL(), APIKey: a.transport.Key(), HTTPClient: a.httpClient, Logger: a.logger,
	})
}

func (a *App) register(job *registeredJob) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, taken := a.jobs[job.id]; taken {
		panic(fmt.Sprintf("runhook.NewJob(%q): the app has a job with this ID already", job.id))
	}
	a.jobs[job.id] = job
	a.order = append(a.order, job.id)
}

func (a *App) job(id string) *registeredJob {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.jobs[id]
}
