package server

import (
	"context"
	"time"

	"github.com/runhook/runhook/server/internal/store"
)

const (
	// checkFileAfter is how long after the start the database file is checked, and
	// checkFileFor how long that may take: it reads the whole file, and the
	// write-ahead log grows meanwhile.
	checkFileAfter = 5 * time.Second
	checkFileFor   = 10 * time.Minute
)

// checkFile reads the whole database file once, in the background. Its result is in
// the log and in /readyz.
func (s *Server) checkFile(ctx context.Context) {
	if !s.store.HasFile() {
		return
	}
	timer := s.config.Clock.NewTimer(checkFileAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	checking, cancel := context.WithTimeout(ctx, checkFileFor)
	defer cancel()
	began := s.config.Clock.Now()
	err := s.store.CheckFile(checking)
	took := s.config.Clock.Now().Sub(began).Milliseconds()
	switch {
	case err == nil:
		s.config.Log.Info("checked the database file: it is whole", "duration_ms", took)
	case store.IsDamaged(err):
		s.health.Component(store.FileComponent).Failed(err)
	case ctx.Err() == nil:
		s.config.Log.Warn("could not check the whole database file; runhook doctor does", "duration_ms", took, "err", err)
	}
}
