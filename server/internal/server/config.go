package server

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/delivery"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/retention"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Config says how to run a server. The zero value of a field means its default.
type Config struct {
	// Address is the host and port to listen on.
	Address string
	// Database is sqlite:PATH or a PostgreSQL URL.
	Database string
	// PublicURL is the base of every URL that is handed out; by default it is
	// made from the address.
	PublicURL string
	// EgressAllow lists the address ranges, as CIDRs separated by commas, that
	// may be called beyond the policy (package egress).
	EgressAllow string
	// TrustedProxies lists the address ranges of the reverse proxies that are
	// believed about who calls (package listener), separated by commas.
	TrustedProxies string
	// EgressPorts lists the ports below 1024, and ranges of them, separated by
	// commas, on which public hosts may be called besides 80 and 443.
	EgressPorts string
	// Connections is how many callers may be connected at once, and
	// PerAddress how many of one address (of one /64, for IPv6), and how
	// many requests it may have in progress; by default as many as the system lets
	// the process have, and half of that.
	Connections, PerAddress int
	// Rates are the least that is expected of callers.
	Rates listener.Rates
	// Memory is how many bytes of memory the server may use. By default it is that
	// of its control group, or the machine's.
	Memory int64
	// SpoolFolder is where long request bodies are kept while they arrive: by default
	// beside a SQLite file, and else where the system keeps temporary files.
	SpoolFolder string
	// TLSCertificate and TLSKey are files, in PEM, to serve HTTPS with; both or none.
	TLSCertificate, TLSKey string
	// HealthAddress is a host and port on which only probes are answered, over HTTP;
	// by default there is none besides Address.
	HealthAddress string
	// EncryptionKey encrypts secrets; see store.Options.
	EncryptionKey string
	// APIKeys set the secret keys of environments instead of random ones.
	APIKeys map[protocol.EnvironmentType]string
	// KeepPayloads and KeepRuns say how long the payloads of runs that ended, and all
	// else about them, are kept, by environment type (package retention).
	KeepPayloads, KeepRuns string
	// Executions is how many executions, and Deliveries how many webhook
	// deliveries, may be in flight at once.
	Executions, Deliveries int
	// QueuedRuns is how many runs an environment may have queued before it takes no
	// more from callers; AnyNumber for no limit.
	QueuedRuns int
	// Development switches DEVELOPMENT on or off; nil has it on unless the public URL
	// is for the internet. The keys of an environment that is off are refused, and
	// what is in it stays as it is.
	Development *bool
	// DevelopmentNetworks says whether loopback and private addresses are reached on
	// behalf of DEVELOPMENT; nil as for Development.
	DevelopmentNetworks *bool
	// Disabled are environments that are off.
	Disabled []protocol.EnvironmentType
	// DevSchedules has schedules of DEVELOPMENT tick though nobody develops their
	// apps with runhook dev.
	DevSchedules bool
	// MaximumRequest is how large the body of a request to an HTTP endpoint may be,
	// in bytes.
	MaximumRequest int64
	// RequestRate is how many requests per second the URL of an HTTP endpoint, webhook
	// or source takes, and WaitingRequests and KeptRequests for how many bytes an
	// environment has such requests that wait for its apps, and that are kept; AnyNumber
	// for no limit (package quota).
	RequestRate                   int
	WaitingRequests, KeptRequests int64
	// KeepUnverified is how long requests are kept that their apps did not believe.
	KeepUnverified time.Duration
	// NotificationSchedule is the pause before each attempt to deliver a
	// notification, and NotificationTimeouts how long one may take.
	NotificationSchedule []time.Duration
	NotificationTimeouts delivery.Timeouts
	// AppPatience is how long an invocation in DEVELOPMENT of a job that no app has
	// waits for one to be registered; less than zero for no time.
	AppPatience time.Duration
	// DatabaseWait is how long Open waits for a PostgreSQL that does not answer; zero
	// for not at all.
	DatabaseWait time.Duration
	// Grace is how long a stop waits for executions and deliveries in flight.
	Grace time.Duration
	// Version is the program's.
	Version string
	Clock   clock.Clock
	// Random returns numbers uniform in [0, 1), which spread attempts; nil means the
	// system's.
	Random func() float64
	Log    *slog.Logger
	// AccessLog has each request to the API logged.
	AccessLog bool
	// NoDashboard leaves out the pages.
	NoDashboard bool
	// OnKeys receives the keys of the environments when they have just been made.
	OnKeys func([]Key)
	// Listener, if set, is used instead of one for Address; Outgoing instead of the
	// guarded network; OpenedDatabase, a SQLite database that is open, instead of
	// the one of that name; and WrapDatabase stands between the server and its
	// database. A simulation has its own.
	Listener       net.Listener
	Outgoing       Outgoing
	OpenedDatabase database.DB
	WrapDatabase   func(database.DB) database.DB
}

// Outgoing is where the server gets its connections to others from, such as
// *egress.Guard.
type Outgoing interface {
	// Client returns the HTTP client for calls on behalf of environments of the
	// given type. It must not follow redirects by itself.
	Client(protocol.EnvironmentType) *http.Client
	// CheckURL returns an error if rawURL may not be called on behalf of such an
	// environment.
	CheckURL(rawURL string, environmentType protocol.EnvironmentType) error
	// Close closes the connections that are not in use.
	Close()
}

// The defaults of Config.
const (
	DefaultAddress    = "127.0.0.1:3030"
	DefaultDatabase   = "sqlite:./runhook-data/runhook.db"
	DefaultExecutions = 512
	DefaultDeliveries = 256
	// DefaultQueuedRuns is as many as starting, stopping and working them off is
	// measured with (docs/testing.md).
	DefaultQueuedRuns = 1_000_000
	DefaultGrace      = 20 * time.Second
	// DefaultAppPatience is longer than "runhook dev" takes to find an app.
	DefaultAppPatience = 3 * time.Second
	// What is kept in PRODUCTION is for its owners to say.
	DefaultKeepPayloads = "STAGING=30d,PREVIEW=7d,DEVELOPMENT=7d"
	DefaultKeepRuns     = "STAGING=90d,PREVIEW=30d,DEVELOPMENT=30d"
	// DefaultMaximumRequest is what most services stay below.
	DefaultMaximumRequest = 10 << 20
	// A service sends a hundred requests per second only to catch up, and then ten
	// seconds' worth of them at once.
	DefaultRequestRate     = 100
	DefaultWaitingRequests = 512 << 20
	DefaultKeptRequests    = 4 << 30
	DefaultKeepUnverified  = 72 * time.Hour
)

// AnyNumber stands for no limit where zero stands for the default one.
const AnyNumber = -1

func (c *Config) setDefaults() {
	setDefault(&c.Address, DefaultAddress)
	setDefault(&c.Database, DefaultDatabase)
	setDefault(&c.Executions, DefaultExecutions)
	setDefault(&c.Deliveries, DefaultDeliveries)
	setDefault(&c.QueuedRuns, DefaultQueuedRuns)
	setDefault(&c.MaximumRequest, DefaultMaximumRequest)
	setDefault(&c.RequestRate, DefaultRequestRate)
	setDefault(&c.WaitingRequests, DefaultWaitingRequests)
	setDefault(&c.KeptRequests, DefaultKeptRequests)
	setDefault(&c.KeepUnverified, DefaultKeepUnverified)
	setDefault(&c.Grace, DefaultGrace)
	setDefault(&c.AppPatience, DefaultAppPatience)
	setDefault(&c.KeepPayloads, DefaultKeepPayloads)
	setDefault(&c.KeepRuns, DefaultKeepRuns)
	setDefault(&c.Rates, listener.DefaultRates)
	setDefault(&c.Version, "dev")
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnKeys == nil {
		c.OnKeys = func([]Key) {}
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// FieldError says that a field of Config is wrong.
type FieldError struct {
	// Field is the field's name in Config; for a key it is APIKeys and the
	// environment's type, such as APIKeys[PRODUCTION].
	Field string
	Err   error
}

// Error returns the field and the problem.
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the problem.
func (e *FieldError) Unwrap() error { return e.Err }

// minKeyCharacters is how many characters a key has after its prefix: a key is also
// what webhooks are signed with, and a short one can be found by trying.
const minKeyCharacters = 20

var keyPattern = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

// checkKey finds what is wrong with the secret key of an environment. Its error
// never quotes the key.
func checkKey(key, slug string) error {
	prefix := "tr_" + slug + "_"
	random, ok := strings.CutPrefix(key, prefix)
	switch {
	case strings.HasPrefix(key, "pk_"):
		return fmt.Errorf("is a public key (pk_...); want the secret one, which begins with %s", prefix)
	case !ok:
		return fmt.Errorf("must begin with %s, so that it is not taken for the key of another environment", prefix)
	case !keyPattern.MatchString(random):
		return fmt.Errorf("want %s and letters and digits, which is what the SDKs accept", prefix)
	case len(random) < minKeyCharacters:
		return fmt.Errorf("has %d characters after %s, and needs at least %d random ones", len(random), prefix, minKeyCharacters)
	}
	return nil
}

// Validate returns a [*FieldError] for the first field that is wrong.
func (c Config) Validate() error {
	c.setDefaults()
	checks := []struct {
		field string
		err   error
	}{
		{"Address", checkAddress(c.Address)},
		{"Database", store.CheckURL(c.Database)},
		{"PublicURL", checkPublicURL(c.PublicURL)},
		{"EgressAllow", second(egress.ParseAllow(c.EgressAllow))},
		{"TrustedProxies", second(listener.ParseProxies(c.TrustedProxies))},
		{"EgressPorts", second(egress.ParsePorts(c.EgressPorts))},
		{"EncryptionKey", checkEncryptionKey(c.EncryptionKey)},
		{"KeepPayloads", second(retention.ParseAges(c.KeepPayloads))},
		{"KeepRuns", second(retention.ParseAges(c.KeepRuns))},
		{"Executions", atLeastOne(c.Executions)},
		{"Deliveries", atLeastOne(c.Deliveries)},
		{"QueuedRuns", checkQueuedRuns(c.QueuedRuns)},
		{"Disabled", checkDisabled(c)},
		{"MaximumRequest", atLeastOne(c.MaximumRequest)},
		{"RequestRate", checkQueuedRuns(c.RequestRate)},
		{"WaitingRequests", checkBudget(c.WaitingRequests)},
		{"KeptRequests", checkBudget(c.KeptRequests)},
		{"KeepUnverified", notNegative(c.KeepUnverified)},
		{"Connections", notNegative(c.Connections)},
		{"PerAddress", notNegative(c.PerAddress)},
		{"Memory", checkMemory(c.Memory)},
		{"TLSCertificate", needs(c.TLSCertificate, "key", c.TLSKey)},
		{"TLSKey", needs(c.TLSKey, "certificate", c.TLSCertificate)},
		{"HealthAddress", checkOptional(checkAddress, c.HealthAddress)},
		{"Grace", notNegative(c.Grace)},
		{"NotificationSchedule", checkSchedule(c.NotificationSchedule)},
	}
	for _, check := range checks {
		if check.err != nil {
			return &FieldError{check.field, check.err}
		}
	}
	taken := map[string]protocol.EnvironmentType{}
	for _, e := range environments {
		key := c.APIKeys[e.kind]
		if key == "" {
			continue
		}
		field := fmt.Sprintf("APIKeys[%s]", e.kind)
		if err := checkKey(key, e.slug); err != nil {
			return &FieldError{field, err}
		}
		if other, ok := taken[key]; ok {
			return &FieldError{field, fmt.Errorf("is the key of %s, too; each environment needs its own", other)}
		}
		taken[key] = e.kind
	}
	return nil
}

func second[T any](_ T, err error) error { return err }

func atLeastOne[T int | int64](n T) error {
	if n < 1 {
		return fmt.Errorf("must be at least 1, not %d", n)
	}
	return nil
}

func checkQueuedRuns(n int) error {
	if n == AnyNumber {
		return nil
	}
	return atLeastOne(n)
}

// leastBudget is the smallest budget of requests, in bytes.
const leastBudget = 1 << 20

func checkBudget(n int64) error {
	if n != AnyNumber && n < leastBudget {
		return fmt.Errorf("must be at least %d MiB, not %d bytes", leastBudget>>20, n)
	}
	return nil
}

func notNegative[T int | time.Duration](n T) error {
	if n < 0 {
		return fmt.Errorf("must not be negative, and is %v", n)
	}
	return nil
}

// leastMemory is what a server can work with at all, in bytes.
const leastMemory = 64 << 20

func checkMemory(n int64) error {
	if n != 0 && n < leastMemory {
		return fmt.Errorf("must be at least %d MiB, not %d bytes", leastMemory>>20, n)
	}
	return nil
}

// needs returns an error if a value is given without the other that belongs to it.
func needs(value, name, other string) error {
	if value != "" && other == "" {
		return fmt.Errorf("needs the file of its %s, too", name)
	}
	return nil
}

func checkOptional(check func(string) error, value string) error {
	if value == "" {
		return nil
	}
	return check(value)
}

func checkSchedule(steps []time.Duration) error {
	for _, step := range steps {
		if err := notNegative(step); err != nil {
			return err
		}
	}
	return nil
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("want HOST:PORT, such as %s: %w", DefaultAddress, err)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("want HOST:PORT, such as %s: %w", DefaultAddress, err)
	}
	return nil
}

func checkPublicURL(text string) error {
	if text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return err
	}
	if (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("want http://HOST or https://HOST, with a path if need be, not %q", text)
	}
	return nil
}

func checkEncryptionKey(text string) error {
	if text == "" {
		return nil
	}
	return second(store.ParseMasterKey(text))
}

// publicURL returns the base of URLs for a server that listens on the address, by
// HTTPS or HTTP as the scheme says.
func publicURL(configured, scheme string, address net.Addr) string {
	if configured != "" {
		return strings.TrimRight(configured, "/")
	}
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return scheme + "://" + address.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
