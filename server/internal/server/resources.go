package server

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/budget"
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
	// answers is where the answers of apps to executions, and what tasks fetch, are read.
	answers *intake.Room
	// texts bounds what work on operations, events and requests loads.
	texts *budget.Texts
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
	s.resources.texts = budget.NewTexts(s.executionBytes())
	s.resources.answers = intake.NewRoom(s.roomLimits(intake.Forever), s.spool)
	if r := s.resources; r.executions < s.config.Executions || r.deliveries < s.config.Deliveries || r.connections < s.config.Connections {
		s.config.Log.Warn("the limit of descriptors is too low for what is configured; raise it (ulimit -n)", "descriptors", descriptors,
			"executions", r.executions, "deliveries", r.deliveries, "connections", r.connections)
	}
}

// rooms returns where request bodies are read, within the memory.
func (s *Server) rooms() intake.Rooms {
	room := func(patience time.Duration) *intake.Room { return intake.NewRoom(s.roomLimits(patience), s.spool) }
	return intake.Rooms{Public: room(0), Keyed: room(3 * time.Second), Executions: room(intake.Forever)}
}

// shareOfMemory returns the part of the memory that is one in so many, within bounds in
// bytes.
func (s *Server) shareOfMemory(oneIn, least, most int64) int64 {
	return min(max(s.resources.memory/oneIn, least), most)
}

// roomLimits returns the limits of a room for bodies. In decoding, keeping and answering
// it, a complete body is copied several times.
func (s *Server) roomLimits(patience time.Duration) intake.Limits {
	return intake.Limits{Memory: s.shareOfMemory(32, 8<<20, 256<<20), Disk: 256 << 20, Patience: patience}
}

// bodyBytes returns how many bytes of bodies of notifications may be in memory.
func (s *Server) bodyBytes() int64 { return s.shareOfMemory(8, 8<<20, 1<<30) }

// executionBytes returns how much memory the payloads and requests of executions may
// take, and, apart from those, the parameters of operations, the payloads of events and
// the requests for apps that are worked on.
func (s *Server) executionBytes() int64 { return s.shareOfMemory(8, 16<<20, 1<<30) }

// answers returns where large answers are made, within the memory.
func (s *Server) answers() *answer.Room {
	return answer.NewRoom(answer.Limits{Memory: s.shareOfMemory(8, 32<<20, 1<<30), Disk: 512 << 20, Patience: 3 * time.Second}, s.spool)
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
