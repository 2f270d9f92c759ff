package subscriptions

import (
	"slices"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
)

// The bounds of what a subscription may say.
const (
	mostHeaders      = 32
	longestHeader    = 4096
	mostSteps        = 50
	longestStep      = 7 * 24 * time.Hour
	mostConcurrency  = 1024
	mostPerSecond    = 10_000
	slowestPerSecond = 0.01
	longestName      = 200
	mostJobs         = 500
)

// kinds are what may be subscribed to.
var kinds = []model.NotificationKind{model.NotifyRunEnded, model.NotifyFailing, model.NotifyDisabled}

// check gives an Invalid error that names the first field of a subscription that
// cannot be.
func (s *Service) check(environment *model.Environment, subscription model.Subscription) error {
	if subscription.URL == "" {
		return invalid("url", "is required")
	}
	if err := s.checkURL(subscription.URL, environment.Type); err != nil {
		return invalid("url", "cannot be called: %v", err)
	}
	return checkSettings(subscription)
}

// checkSettings checks everything but where a subscription leads to.
func checkSettings(subscription model.Subscription) error {
	settings := subscription.Settings
	if len(settings.Name) > longestName {
		return invalid("name", "has %d bytes, and may have %d", len(settings.Name), longestName)
	}
	if len(settings.Events) == 0 {
		return invalid("events", "must name at least one")
	}
	for _, kind := range settings.Events {
		if !slices.Contains(kinds, kind) {
			return invalid("events", "has %q, which is none of %v", kind, kinds)
		}
	}
	for _, status := range settings.Statuses {
		if !status.Terminal() {
			return invalid("statuses", "has %q, which is not how a run ends", status)
		}
	}
	if len(settings.Jobs) > mostJobs || slices.Contains(settings.Jobs, "") {
		return invalid("jobs", "must be up to %d ids of jobs", mostJobs)
	}
	if _, err := filter.Parse(settings.Filter); err != nil {
		return invalid("filter", "%v", err)
	}
	if err := checkPace(settings); err != nil {
		return err
	}
	return checkHeaders(subscription.Headers)
}

func checkPace(settings model.SubscriptionSettings) error {
	if len(settings.Schedule) > mostSteps {
		return invalid("schedule", "has %d steps, and may have %d", len(settings.Schedule), mostSteps)
	}
	for _, step := range settings.Schedule {
		if step < 0 || step > longestStep {
			return invalid("schedule", "must be seconds from 0 to %d", int(longestStep.Seconds()))
		}
	}
	if settings.MaximumConcurrency < 0 || settings.MaximumConcurrency > mostConcurrency {
		return invalid("maximumConcurrency", "must be from 0, the usual, to %d", mostConcurrency)
	}
	if rate := settings.MaximumPerSecond; rate != 0 && (rate < slowestPerSecond || rate > mostPerSecond) {
		return invalid("maximumPerSecond", "must be 0 for no limit, or from %v to %d", slowestPerSecond, mostPerSecond)
	}
	return nil
}

func checkHeaders(headers map[string]string) error {
	if len(headers) > mostHeaders {
		return invalid("headers", "has %d, and may have %d", len(headers), mostHeaders)
	}
	for name, value := range headers {
		if !isToken(name) {
			return invalid("headers", "has %q, which is no name of a header", name)
		}
		if isReserved(name) {
			return invalid("headers", "has %q, which is not for a subscription to set", name)
		}
		if len(value) > longestHeader || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return invalid("headers", "has a value of %q that is longer than %d bytes or has control characters", name, longestHeader)
		}
	}
	return nil
}

func isToken(name string) bool {
	const special = "!#$%&'*+-.^_`|~"
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(special, r)
	})
}

// reserved are the headers that say what a request is or how it travels; one that
// ends in - is the beginning of names.
var reserved = []string{
	"content-", "webhook-", "x-trigger-", "runhook-", "proxy-", "accept-encoding", "connection", "expect", "host", "keep-alive",
	"te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
}

// isReserved looks through underscores, as some receivers do.
func isReserved(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return slices.ContainsFunc(reserved, func(r string) bool {
		return name == r || strings.HasSuffix(r, "-") && strings.HasPrefix(name, r)
	})
}

func invalid(field, format string, args ...any) error {
	return model.Errorf(model.Invalid, "Invalid request body: "+field+": "+format, args...)
}
