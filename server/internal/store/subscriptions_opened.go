package store

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/runhook/runhook/server/internal/model"
)

// openedSubscriptions remembers what the texts of subscriptions decode to, as a
// subscription is read again for each batch of notifications that is sent to it.
// What is remembered is of use only while the row holds the very same texts, so it
// is never out of date. A caller must not change what it points to.
type openedSubscriptions struct {
	mu   sync.Mutex
	byID map[string]openedSubscription
}

// openedSubscription is what two texts of a row decode to.
type openedSubscription struct {
	settingsText, sealedText string

	settings model.SubscriptionSettings
	sealedSubscription
}

// mostOpened bounds how many subscriptions are remembered.
const mostOpened = 1000

// openSubscription decodes the two texts of a subscription.
func (tx *Tx) openSubscription(id, settings, sealed string) (openedSubscription, error) {
	if known, ok := tx.opened.find(id, settings, sealed); ok {
		return known, nil
	}
	o := openedSubscription{settingsText: settings, sealedText: sealed}
	if err := json.Unmarshal([]byte(settings), &o.settings); err != nil {
		return o, fmt.Errorf("settings of subscription %s: %w", id, err)
	}
	text, err := tx.box.open(sealed, subscriptionPlace(id))
	if err == nil {
		err = json.Unmarshal([]byte(text), &o.sealedSubscription)
	}
	if err != nil {
		return o, fmt.Errorf("secrets of subscription %s: %w", id, err)
	}
	tx.opened.keep(id, o)
	return o, nil
}

func (o *openedSubscriptions) find(id, settings, sealed string) (openedSubscription, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known, ok := o.byID[id]
	return known, ok && known.settingsText == settings && known.sealedText == sealed
}

func (o *openedSubscriptions) keep(id string, opened openedSubscription) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byID == nil || len(o.byID) >= mostOpened {
		o.byID = map[string]openedSubscription{}
	}
	o.byID[id] = opened
}
