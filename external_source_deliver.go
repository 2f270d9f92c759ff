package runhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/verify"
)

// handleSource has a source make events of a request that the server hands over.
func (a *App) handleSource(w http.ResponseWriter, r *http.Request, started time.Time) {
	delivered, err := a.deliveredSource(w, r)
	if err != nil {
		refuseUnreadable(w, err)
		return
	}
	trigger := a.dynamicTrigger(fromLatin1(r.Header.Get(protocol.HeaderSourceDynamicID)))
	if trigger == nil {
		refuse(w, http.StatusNotFound, "Dynamic trigger not found")
		return
	}
	handled, err := trigger.handle(r.Context(), delivered)
	if err != nil {
		dropped := drops(err, a.now())
		a.logger.WarnContext(r.Context(), "runhook: no events came of a request", "trigger", trigger.id, "dropped", dropped, "err", err)
		if !dropped {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
	}
	answer := map[string]any{
		"response": map[string]any{"status": http.StatusOK, "body": okAnswer},
		"events":   append([]protocol.NewEvent{}, handled.events...),
	}
	if handled.metadata != nil {
		answer["metadata"] = handled.metadata
	}
	a.respond(w, started, answer)
}

// deliveredSource reads what the server hands over.
func (a *App) deliveredSource(w http.ResponseWriter, r *http.Request) (deliveredSource, error) {
	var delivered deliveredSource
	request, body, err := a.passedOn(w, r)
	if err != nil {
		return delivered, err
	}
	delivered.request = verify.Request{
		Method: request.Method, URL: r.Header.Get(protocol.HeaderHTTPURL), Header: request.Header, Body: body, Received: a.now(),
	}
	delivered.secret = fromLatin1(r.Header.Get(protocol.HeaderSourceSecret))
	for name, target := range map[string]*json.RawMessage{
		protocol.HeaderSourceParams: &delivered.params, protocol.HeaderSourceData: &delivered.data,
		protocol.HeaderSourceMetadata: &delivered.metadata,
	} {
		text := json.RawMessage(r.Header.Get(name))
		if len(text) == 0 {
			continue
		}
		if !json.Valid(text) {
			return delivered, errors.New(name + " is not JSON")
		}
		*target = text
	}
	return delivered, nil
}

// dynamicTrigger returns the dynamic trigger with an ID, or nil.
func (a *App) dynamicTrigger(id string) *dynamicTrigger {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, trigger := range a.triggers {
		if trigger.id == id {
			return trigger
		}
	}
	return nil
}

// fromLatin1 returns the text of a header in which each byte stands for a character, as
// the server writes ids and secrets.
func fromLatin1(value string) string {
	characters := make([]rune, len(value))
	for i := range len(value) {
		characters[i] = rune(value[i])
	}
	return string(characters)
}
