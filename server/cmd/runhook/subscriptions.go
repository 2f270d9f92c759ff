package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
)

type subscriptionsCommand struct {
	List   listSubscriptionsCommand  `cmd:"" help:"List the subscriptions of the environment."`
	Get    getSubscriptionCommand    `cmd:"" help:"Show a subscription."`
	Create createSubscriptionCommand `cmd:"" help:"Create a subscription."`
	Update updateSubscriptionCommand `cmd:"" help:"Change a subscription; other settings keep their values."`
	Delete deleteSubscriptionCommand `cmd:"" help:"Delete a subscription."`
	Test   testSubscriptionCommand   `cmd:"" help:"Send a test notification to a subscription."`
	Rotate rotateSubscriptionCommand `cmd:"" help:"Rotate the secret of a subscription."`
	DryRun dryRunCommand             `cmd:"" name:"dry-run" help:"Show which of the last week's runs a subscription would have matched."`
}

// choiceFlags say what a subscription is notified of.
type choiceFlags struct {
	Event  []string `placeholder:"EVENT" help:"The events to send: run.ended, runhook.subscription.failing, runhook.subscription.disabled. Default: run.ended."`
	Job    []string `placeholder:"ID" help:"The jobs whose runs to send. Default: all."`
	Status []string `placeholder:"STATUS" help:"The final statuses of runs to send, such as FAILURE. Default: all."`
	Filter string   `placeholder:"JSON" help:"An event filter that the payload must match, or @ and a file that holds it. Default: none."`
}

// subscriptionFlags are everything that can be chosen.
type subscriptionFlags struct {
	choiceFlags
	Name              string          `placeholder:"NAME" help:"A name for people."`
	Header            []string        `sep:"none" placeholder:"LINE" help:"A header to send along, such as \"X-Team: billing\". Repeat it for each."`
	Schedule          []time.Duration `placeholder:"PAUSES" help:"The pause before each attempt, such as 0s,5s,1m. Default: the server's."`
	RetryClientErrors *bool           `negatable:"" help:"Retry after a status of 400 to 499, as by default; without it only after 408, 425 and 429."`
	LegacySignature   *bool           `negatable:"" help:"Send X-Trigger-Signature-256 as well, made with the environment's API key. It covers no time: only for receivers that need it."`
	MaxConcurrency    int             `placeholder:"N" help:"The most requests in flight. Default: the server's."`
	MaxPerSecond      float64         `placeholder:"N" help:"The most requests per second. Default: the server's."`
}

// signingFlags say what a subscription is signed with.
type signingFlags struct {
	Secret     string `env:"RUNHOOK_WEBHOOK_SECRET" placeholder:"SECRET" help:"A secret of your own (whsec_... or whsk_...). Default: a new one, which is shown once."`
	Asymmetric bool   `help:"Make an asymmetric key (v1a), so that receivers need no secret."`
}

func (f signingFlags) signing() client.Signing {
	return client.Signing{Secret: f.Secret, Asymmetric: f.Asymmetric}
}

func (f choiceFlags) subscription() (wanted client.SubscriptionSettings, err error) {
	wanted.Events, wanted.Jobs, wanted.Statuses = given[client.NotificationKind](f.Event), given[string](f.Job), given[protocol.RunStatus](f.Status)
	text := []byte(f.Filter)
	if path, ok := strings.CutPrefix(f.Filter, "@"); ok {
		if text, err = os.ReadFile(path); err != nil {
			return wanted, &usageError{"--filter", err}
		}
	}
	if len(text) > 0 && !json.Valid(text) {
		return wanted, &usageError{"--filter", errors.New(`is not JSON; it is like {"job":{"id":["shop"]}}`)}
	}
	if len(text) > 0 {
		wanted.Filter = filter.Raw(text)
	}
	return wanted, nil
}

func (f subscriptionFlags) subscription() (client.SubscriptionSettings, error) {
	wanted, err := f.choiceFlags.subscription()
	if err != nil {
		return wanted, err
	}
	wanted.Name, wanted.Schedule = f.Name, f.Schedule
	if len(f.Header) > 0 {
		headers := map[string]string{}
		for _, line := range f.Header {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return wanted, &usageError{"--header", fmt.Errorf("%q is not like Name: value", line)}
			}
			headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		wanted.Headers = headers
	}
	wanted.RetryClientErrors = f.RetryClientErrors
	wanted.LegacySignature = f.LegacySignature
	if f.MaxConcurrency != 0 {
		wanted.MaximumConcurrency = &f.MaxConcurrency
	}
	if f.MaxPerSecond != 0 {
		wanted.MaximumPerSecond = &f.MaxPerSecond
	}
	return wanted, nil
}

// given returns a list that was given, and nil for none.
func given[T ~string](list []string) (chosen []T) {
	for _, text := range list {
		chosen = append(chosen, T(text))
	}
	return chosen
}
