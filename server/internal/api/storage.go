package api

import "net/http"

// storage is GET /api/runhook/v1/storage: how much room the database takes.
func (a *API) storage(w http.ResponseWriter, r *request) error {
	size, err := a.Store.Size(r.Context())
	if err != nil {
		return err
	}
	return r.ok(w, struct {
		// ReusableBytes are part of Bytes: freed, and used again before more is taken.
		Bytes         int64 `json:"bytes"`
		ReusableBytes int64 `json:"reusableBytes"`
	}{size.Bytes, size.Reusable})
}
