package runhook

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// Version is the version of this SDK.
const Version = "0.1.0"

// DefaultAPIURL is where a server is looked for unless told otherwise.
const DefaultAPIURL = "http://127.0.0.1:3030"

// Config says what a [Client] is and how it reaches its server. Only ID is
// required.
type Config struct {
	// ID names the endpoint: the same for all instances of one app.
	ID string
	// APIKey is the secret key of the environment the app runs in. The client
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
	// Logger is told what the client does. Default: [slog.Default].
	Logger *slog.Logger
	// MaxBodyBytes is the largest request that the endpoint accepts. Default: 32
	// MiB, well above the largest that a server sends by itself.
	MaxBodyBytes int64
	// Now tells the time. Default: [time.Now]. Tests replace it.
	Now func() time.Time
}

const defaultMaxBodyBytes = 32 << 20

// A Client is an app's side of Runhook. It is the [http.Handler] of the
// endpoint at which the server reaches the app's jobs, and the way for the app
// to reach the server. All its methods may be called at once.
type Client struct {
	id           string
	apiKey       string
	maxBodyBytes int64
	backend      backend
	api          *api
	logger       *slog.Logger
	now          func() time.Time

	mu        sync.RWMutex
	jobs      map[string]*registeredJob
	order     []string
	schedules []*DynamicSchedule
	triggers  []*dynamicTrigger
	endpoints []*HTTPEndpoint
}

// New returns a client. It panics if the configuration has no ID. A missing API
// key is reported by what needs it, so that a program can be built without one.
func New(config Config) *Client {
	if config.ID == "" {
		panic("runhook.New: Config.ID is empty: it names the endpoint of the app, for example \"shop\"")
	}
	client := &Client{
		id:           config.ID,
		apiKey:       cmp.Or(config.APIKey, os.Getenv("RUNHOOK_API_KEY")),
		maxBodyBytes: cmp.Or(config.MaxBodyBytes, defaultMaxBodyBytes),
		logger:       cmp.Or(config.Logger, slog.Default()),
		now:          config.Now,
		jobs:         map[string]*registeredJob{},
	}
	if client.now == nil {
		client.now = time.Now
	}
	url := cmp.Or(config.APIURL, os.Getenv("RUNHOOK_API_URL"), DefaultAPIURL)
	client.api = newAPI(url, client.apiKey, config.HTTPClient)
	client.backend = client.api
	return client
}

func (c *Client) register(job *registeredJob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.jobs[job.id]; taken {
		panic(fmt.Sprintf("runhook.NewJob(%q): the client has a job with this ID already", job.id))
	}
	c.jobs[job.id] = job
	c.order = append(c.order, job.id)
}

func (c *Client) job(id string) *registeredJob {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.jobs[id]
}
