package model

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// Prefixes of ids, so that an id met in a log says what it names.
const (
	PrefixRun           = "run_"
	PrefixEvent         = "event_"
	PrefixNotification  = "ntf_"
	PrefixNode          = "node_"
	PrefixOrganization  = "org_"
	PrefixProject       = "proj_"
	PrefixEnvironment   = "env_"
	PrefixEndpoint      = "endpoint_"
	PrefixEndpointIndex = "index_"
	PrefixJob           = "job_"
	PrefixJobVersion    = "version_"
	PrefixAccount       = "account_"
	// PrefixTask is empty: a task's id is a bare ULID in lower case, as the
	// protocol has it (model.md 1).
	PrefixTask = ""
)

var idSource = struct {
	sync.Mutex
	entropy *ulid.MonotonicEntropy
}{entropy: ulid.Monotonic(rand.Reader, 0)}

// NewID returns a new id: the prefix and a lower-case ULID. Ids made by one
// process sort in the order they were made. It may be called concurrently.
func NewID(prefix string, now time.Time) string {
	idSource.Lock()
	id, err := ulid.New(ulid.Timestamp(now), idSource.entropy)
	if err != nil {
		// The 80 random bits of this millisecond overflowed; start over.
		idSource.entropy = ulid.Monotonic(rand.Reader, 0)
		id = ulid.MustNew(ulid.Timestamp(now), idSource.entropy)
	}
	idSource.Unlock()
	return prefix + strings.ToLower(id.String())
}

// NewSecret returns n random bytes in lower-case hexadecimal.
func NewSecret(n int) string {
	secret := make([]byte, n)
	rand.Read(secret) // never fails (crypto/rand)
	return hex.EncodeToString(secret)
}
