package server

import "github.com/runhook/runhook/server/internal/store"

// wake has every part look for work that another process has left.
func (s *Server) wake() {
	if s.apps == nil {
		return // still being built; the loops look when they start
	}
	s.runs.Wake()
	s.delivery.Wake()
	s.outbox.Wake()
	s.events.Wake()
	s.schedules.Wake()
	s.queue.Wake()
	s.apps.Wake()
}

// signal has the part that a signal of another process is for look for work.
func (s *Server) signal(name string) {
	switch name {
	case store.SignalRuns:
		s.runs.WakeRuns()
	case store.SignalTasks:
		s.runs.WakeTasks()
	case store.SignalNotifications:
		s.delivery.Wake()
		s.outbox.Wake()
	case store.SignalEvents:
		s.events.Wake()
	case store.SignalSchedules:
		s.schedules.Wake()
	case store.SignalDeliveries:
		s.queue.Wake()
	case store.SignalWaits:
		s.events.WakeWaits()
	case store.SignalIndexes:
		s.apps.Wake()
	default:
		s.wake()
	}
}
