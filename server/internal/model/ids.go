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
	PrefixDispatcher    = "dispatcher_"
	// PrefixTask is empty: a task's id is a bare ULID in lower case, as the
	// protocol has it (model.md 1).
	PrefixTask = ""
)

var idSource = struct {
	sync.Mutex
	entropy *ulid.MonotonicEntropy
	last    uint64 // milliseconds of the id that was made last
}{entropy: ulid.Monotonic(rand.Reader, 0)}

// NewID returns a new id: the prefix and a lower-case ULID. Ids made by one
// process sort in the order they were made. It may be called concurrently.
func NewID(prefix string, now time.Time) string {
	idSource.Lock()
	// Transactions that began in one millisecond and the next ask in any order,
	// and the clock may be set back.
	idSource.last = max(idSource.last, ulid.Timestamp(now))
	id, err := ulid.New(idSource.last, idSource.entropy)
	if err != nil {
		// The 80 random bits of this millisecond overflowed; go on in the next.
		idSource.last++
		id = ulid.MustNew(idSource.last, idSource.entropy)
	}
	idSource.Unlock()
	return prefix + strings.ToLower(id.String())
}

// FirstID returns an id that sorts before every id with the prefix that was made
// at the time, to the millisecond, or later, and after every one made earlier.
func FirstID(prefix string, at time.Time) string {
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(at)); err != nil {
		// Before 1970 or after the year 10889: nothing was made there.
		id = ulid.ULID{}
	}
	return prefix + strings.ToLower(id.String())
}

// NewSecret returns n random bytes in lower-case hexadecimal.
func NewSecret(n int) string {
	secret := make([]byte, n)
	rand.Read(secret) // never fails (crypto/rand)
	return hex.EncodeToString(secret)
}
