package outbox

import (
	"strings"

	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/model"
)

// Destination names where notifications of an environment to a URL go: to its
// origin.
func Destination(environmentID, rawURL string) string {
	location, err := egress.ParseURL(rawURL)
	if err != nil { // it cannot be called, which each of its deliveries says
		return environmentID + " " + rawURL
	}
	return environmentID + " " + location.Scheme + "://" + location.Host
}

// DestinationOf names the destination of a subscription. One with limits of its own
// shares them with no other.
func DestinationOf(subscription model.Subscription) string {
	if subscription.Settings.MaximumConcurrency == 0 && subscription.Settings.MaximumPerSecond == 0 {
		return Destination(subscription.EnvironmentID, subscription.URL)
	}
	return subscription.EnvironmentID + " " + subscription.ID
}

// EnvironmentOf returns the id of the environment of a destination.
func EnvironmentOf(destination string) string {
	environment, _, _ := strings.Cut(destination, " ")
	return environment
}
