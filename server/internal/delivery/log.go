package delivery

import (
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/outbox"
)

// logBreaker logs that deliveries to a destination are suspended, and that they are
// resumed.
func (s *Service) logBreaker(destination string, open bool, until time.Time) {
	log := s.logOf(destination)
	if open {
		log.Warn("deliveries to a destination are suspended, as most of them fail", "until", until)
		return
	}
	log.Info("deliveries to a destination are resumed")
}

// logPause logs that a destination has asked for a pause by Retry-After.
func (s *Service) logPause(destination string, until time.Time) {
	s.logOf(destination).Info("a destination asks for a pause; deliveries to it wait", "until", until)
}

func (s *Service) logOf(destination string) *slog.Logger {
	return s.log.With("destination", loggedDestination(destination), "environment", outbox.EnvironmentOf(destination))
}

// loggedDestination is a destination as the log calls it: an origin, or the id of an
// endpoint or of a subscription.
func loggedDestination(destination string) string {
	_, name, _ := strings.Cut(destination, " ")
	if !strings.Contains(name, "/") && !strings.Contains(name, "?") {
		return name
	}
	location, err := url.Parse(name) // not of one that can be called: with its path
	if err != nil {
		return "a URL that cannot be read"
	}
	return location.Scheme + "://" + location.Host
}
