package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// reserve asks for room to load so many bytes for an answer.
type reserve func(bytes int64) error

// of asks for room for what a statement has counted.
func (room reserve) of(bytes int64, err error) error {
	if err != nil {
		return err
	}
	return room(bytes)
}

// answerLarge answers a request with what write writes, in bounded memory: write asks
// for room before it loads what may be large. It may be called again if there was none,
// so it must have no other effect.
func (a *API) answerLarge(w http.ResponseWriter, r *request, write func(*jsonWriter, reserve) error) error {
	made := a.Answers.New(r.environment.ID)
	defer made.Close()
	if err := a.makeAnswer(r, made, write); err != nil {
		return a.notAnswered(r, err)
	}
	a.send(w, r, made)
	return nil
}

// makeAnswer makes an answer, without sending it.
func (a *API) makeAnswer(r *request, made *answer.Answer, write func(*jsonWriter, reserve) error) error {
	return a.Answers.Load(r.Context(), r.environment.ID, func(room func(int64) error) error {
		made.Reset()
		j := &jsonWriter{to: made, shown: r.shown}
		if err := write(j, room); err != nil {
			return err
		}
		return j.err
	})
}

// notAnswered returns the error for a caller whose answer could not be made.
func (a *API) notAnswered(r *request, err error) error {
	exceeded, ok := errors.AsType[*budget.ExceededError](err)
	switch {
	case ok && exceeded.Group:
		return a.noRoom(r, err, model.Busy, "As many bytes of answers of this environment are being made as there may be; try again")
	case ok:
		return a.noRoom(r, err, model.Unavailable, "As many bytes of answers are being made as there may be; try again")
	case errors.Is(err, answer.ErrSpool):
		return a.noRoom(r, err, model.Unavailable, "The answer cannot be kept while it is sent; try again")
	}
	return err
}

// send sends an answer that is whole.
func (a *API) send(w http.ResponseWriter, r *request, made *answer.Answer) {
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.FormatInt(made.Size(), 10))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := made.WriteTo(w); err != nil {
		if r.Context().Err() == nil {
			a.Log.Debug("an answer was not sent to its end", "method", r.Method, "path", redactedPath(r.Request), "address", a.clientAddress(r.Request), "err", err)
		}
		panic(http.ErrAbortHandler) // so that no client takes a part for the whole
	}
}

// listAnswer is a list that is answered page by page.
type listAnswer[T any] struct {
	// name is the member of the answer that has the items.
	name string
	take int
	// read returns a page and the cursor of the next; empty at the end.
	read func(tx *store.Tx, page store.Page) ([]T, string, error)
}

// answerList answers with a page of a list: no more items than were asked for, and no
// more than fit into the bytes of a page.
func answerList[T any](a *API, w http.ResponseWriter, r *request, list listAnswer[T]) error {
	return a.answerLarge(w, r, func(j *jsonWriter, room reserve) error {
		var items []T
		var next string
		err := a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
			items, next, err = list.read(tx, store.Page{Items: list.take, Bytes: answer.PageBytes, Reserve: room})
			return err
		})
		if err != nil {
			return err
		}
		j.open()
		writeList(j, list.name, items)
		if next != "" {
			j.member("nextCursor", next)
		}
		j.end()
		return nil
	})
}

// mapped returns what a function makes of each of some items.
func mapped[T, U any](items []T, by func(T) U) []U {
	list := make([]U, len(items))
	for i, item := range items {
		list[i] = by(item)
	}
	return list
}
