package store

import (
	"fmt"
	"time"
)

// MaximumClockSkew is by how much the clock of a process may differ from the shared one.
const MaximumClockSkew = 2 * time.Second

var nodeInvariants = []Invariant{
	{
		Name: "processes know what time it is", Table: "nodes",
		Broken: "is a server whose clock differs from the database's by more than " + MaximumClockSkew.String() +
			", so that what is due starts too early or too late: have the clocks of both machines synchronised (NTP)",
		broken: fmt.Sprintf(`x.expires_at >= $now AND (x.clock_ahead_us > %[1]d OR x.clock_ahead_us < -%[1]d)`, MaximumClockSkew.Microseconds()),
		Passes: true,
	},
}
