package model

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync/atomic"
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
	PrefixSchedule      = "schedule_"
	PrefixAttachment    = "attachment_"
	// PrefixDynamicSchedule is of what schedules are registered with.
	PrefixDynamicSchedule = "dynamic_"
	PrefixTriggerSource   = "source_"
	PrefixDynamicTrigger  = "dyntrigger_"
	PrefixHTTPEndpoint    = "httpendpoint_"
	PrefixWebhook         = "webhook_"
	PrefixDelivery        = "delivery_"
	PrefixSubscription    = "sub_"
	// PrefixGivenSecret is of secrets that apps have chosen.
	PrefixGivenSecret = "given_"
	// PrefixTask is empty: a task's id is a bare ULID in lower case, as the
	// protocol has it (docs/protocol/model.md §1).
	PrefixTask = ""
)

// idCounter leaves up with each id. It starts at random, so that ids of two
// processes differ.
var idCounter atomic.Uint64

func init() {
	var start [8]byte
	rand.Read(start[:]) // never fails (crypto/rand)
	const lowerHalf = 1<<47 - 1
	idCounter.Store(binary.BigEndian.Uint64(start[:]) & lowerHalf)
}

// CountIDsFrom has the ids that follow count from a number, so that a simulation
// makes the same ones each time. Nothing else may call it: ids would repeat.
func CountIDsFrom(start uint64) { idCounter.Store(start) }

// NewID returns a new id: the prefix and a lower-case ULID. Ids made by one
// process sort by their time and, within a millisecond, in the order they were
// made, whatever the times of ids that others make in between. It may be called
// concurrently.
func NewID(prefix string, now time.Time) string {
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(now)); err != nil {
		panic(err) // after the year 10889
	}
	var count [8]byte
	binary.BigEndian.PutUint64(count[:], idCounter.Add(1))
	const bytesOfTime, bytesOfCount = 6, 6
	copy(id[bytesOfTime:], count[len(count)-bytesOfCount:])
	rand.Read(id[bytesOfTime+bytesOfCount:])
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
