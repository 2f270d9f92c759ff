package server

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/intake"
	"github.com/runhook/runhook/server/internal/limits"
)

// resources are what the server may hold at once. They are made from what the system
// lets the process use, so that neither its memory nor its descriptors run out,
// whatever callers do.
type resources struct {
	// connections is how many callers may be connected, perAddress how many of one
	// address, and outgoing how many connections there may be to others; 0 for any
	// number.
	connections, perAddress, outgoing int
	// executions and deliveries are as configured, or fewer.
	executions, deliveries int
	// memory is what the budgets are made from, in bytes.
	memory int64
}

const (
	// reservedDescriptors are for the database, the log, the listeners, probes and
	// whatever else the server itself opens.
	reservedDescriptors = 64
	// mostConnections is the usual limit of connections.
	mostConnections = 8192
	// memoryOfConnection is what a connection may cost, in bytes, with the headers
	// of a request and the beginning of a body. Half of the memory is for those.
	memoryOfConnection = 128 << 10
	// usualMemory stands for that of a machine that does not say how much it has, in
	// bytes.
	usualMemory = 1 << 30
)

// planResources divides what there is: descriptors is 0 if that is unknown, memory
// in bytes.
func planResources(c Config, descriptors int, memory int64) resources {
	r := resources{connections: c.Connections, perAddress: c.PerAddress, executions: c.Executions, deliveries: c.Deliveries, memory: memory}
	usual := min(mostConnections, int(memory/2/memoryOfConnection))
	if descriptors > 0 {
		free := max(descriptors-reservedDescriptors, descriptors/2)
		usual = min(usual, free/2)
		if r.connections == 0 {
			r.connections = usual
		}
		r.connections = min(r.connections, free*3/4)
		// Calls to an app that hangs are to leave room for others, and for what
		// tasks and triggers have the server do.
		r.outgoing = free - r.connections
		r.executions = min(r.executions, max(r.outgoing/2, 1))
		r.deliveries = min(r.deliveries, max(r.outgoing/4, 1))
	}
	if r.connections == 0 {
		r.connections = usual
	}
	if r.perAddress == 0 {
		r.perAddress = max(r.connections/2, 1)
	}
	return r
}

// findResources plans with what the system says, and logs what is less than was
// asked for.
func (s *Server) findResources() {
	memory := s.config.Memory
	if memory == 0 {
		memory = limits.Memory()
	}
	if memory == 0 {
		memory = limits.HostMemory()
	}
	if memory == 0 {
		memory = usualMemory
	}
	descriptors := limits.Descriptors()
	s.resources = planResources(s.config, descriptors, memory)
	if r := s.resources; r.executions < s.config.Executions || r.deliveries < s.config.Deliveries || r.connections < s.config.Connections {
		s.config.Log.Warn("the limit of descriptors is too low for what is configured; raise it (ulimit -n)", "descriptors", descriptors,
			"executions", r.executions, "deliveries", r.deliveries, "connections", r.connections)
	}
}

// rooms returns where request bodies are read, within the memory.
func (s *Server) rooms() intake.Rooms {
	const (
		// share is which part of the memory complete bodies of one room may take. In
		// decoding, keeping and answering it, a body is copied several times.
		share       = 32
		least, most = 8 << 20, 256 << 20
		disk        = 256 << 20
		patience    = 3 * time.Second
	)
	bounds := intake.Limits{Memory: min(max(s.resources.memory/share, least), most), Disk: disk}
	keyed, executions := bounds, bounds
	keyed.Patience, executions.Patience = patience, intake.Forever
	return intake.Rooms{
		Public: intake.NewRoom(bounds, s.spool), Keyed: intake.NewRoom(keyed, s.spool), Executions: intake.NewRoom(executions, s.spool),
	}
}

// spoolFolder is where what is long is kept until it has arrived: beside a SQLite
// file, and elsewhere where the system keeps temporary files.
func spoolFolder(c Config) string {
	if c.SpoolFolder != "" {
		return c.SpoolFolder
	}
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok && path != ":memory:" {
		return filepath.Dir(path)
	}
	return ""
}
