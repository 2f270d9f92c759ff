package api

import (
	"net/http"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// maximumValue is the longest value, in UTF-16 code units, which are what the
// published clients count (docs/protocol/triggers.md §7.1).
const maximumValue = 256 << 10

// storedValue is the answer of the key-value store. Value is absent where there is
// none; the published clients refuse null.
type storedValue struct {
	Action string  `json:"action"`
	Key    string  `json:"key"`
	Value  *string `json:"value,omitempty"`
}

// getValue is GET /api/v1/store/:key (docs/protocol/api.md §10).
func (a *API) getValue(w http.ResponseWriter, r *request) error {
	key := r.PathValue("key")
	response := storedValue{Action: "GET", Key: key}
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		value, found, err := tx.Value(r.environment.ID, key)
		if found {
			response.Value = &value
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.ok(w, response)
}

// hasValue is HEAD /api/v1/store/:key: 200 if there is a value, 404 if not.
func (a *API) hasValue(w http.ResponseWriter, r *request) error {
	key := r.PathValue("key")
	var found bool
	err := a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.HasValue(r.environment.ID, key)
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		return model.Errorf(model.NotFound, "There is no value with the key %q", key)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// putValue is PUT /api/v1/store/:key, whose body is the value, any text.
func (a *API) putValue(w http.ResponseWriter, r *request) error {
	// A value from before there was a limit can be read and removed by its key all the same.
	key := r.PathValue("key")
	if err := model.LimitStoreKey.Check("Invalid key: it", key); err != nil {
		return err
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return model.Errorf(model.Invalid, "Invalid request body: a value must be UTF-8 text")
	}
	value := model.KeepableText(string(body))
	// It may be any text. What the SDKs keep is JSON.
	if model.NestedTooDeeply(body) {
		return tooDeep("")
	}
	switch {
	case utf16Length(value) > maximumValue:
		return model.Errorf(model.TooLarge, "Max request body size exceeded: %d bytes", maximumValue)
	}
	err = a.Store.Update(r.Context(), func(tx *store.Tx) error { return tx.SetValue(r.environment.ID, key, value) })
	if err != nil {
		return err
	}
	return r.ok(w, storedValue{"SET", key, &value})
}

// deleteValue is DELETE /api/v1/store/:key.
func (a *API) deleteValue(w http.ResponseWriter, r *request) error {
	key := r.PathValue("key")
	response := struct {
		Action  string `json:"action"`
		Key     string `json:"key"`
		Deleted bool   `json:"deleted"`
	}{Action: "DELETE", Key: key}
	err := a.Store.Update(r.Context(), func(tx *store.Tx) (err error) {
		response.Deleted, err = tx.DeleteValue(r.environment.ID, key)
		return err
	})
	if err != nil {
		return err
	}
	return r.ok(w, response)
}

// utf16Length returns how many code units a text has in UTF-16.
func utf16Length(text string) (units int) {
	for _, r := range text {
		units += utf16.RuneLen(r)
	}
	return units
}
