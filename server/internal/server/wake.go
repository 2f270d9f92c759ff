package server

import "github.com/runhook/runhook/server/internal/store"

// wake has every part look for work that another process has left.
func (s *Server) wake() {
	if s.registry == nil {
		return // still being built; the loops look when they start
	}
	s.engine.Wake()
	s.notify.Wake()
	s.trigger.Wake()
	s.schedule.Wake()
	s.inbox.Wake()
	s.registry.Wake()
}

// signal has the part that a signal of another process is for look for work.
func (s *Server) signal(name string) {
	switch name {
	case store.SignalRuns:
		s.engine.WakeRuns()
	case store.SignalTasks:
		s.engine.WakeTasks()
	case store.SignalNotifications:
		s.notify.Wake()
	case store.SignalEvents:
		s.trigger.Wake()
	case store.SignalSchedules:
		s.schedule.Wake()
	case store.SignalDeliveries:
		s.inbox.Wake()
	case store.SignalWaits:
		s.trigger.WakeWaits()
	case store.SignalIndexes:
		s.registry.Wake()
	default:
		s.wake()
	}
}
