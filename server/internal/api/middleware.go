package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store/database"
)

// secret lets a handler be reached with a secret key.
func (a *API) secret(h handler) http.Handler { return a.authorized(a.within(h), false) }

// public lets a handler be reached with a secret or a public key.
func (a *API) public(h handler) http.Handler { return a.authorized(a.within(h), true) }

// execution lets a handler be reached with a secret key by an execution under way.
// Its requests wait for room instead of being refused, as a refusal would fail the run.
func (a *API) execution(h handler) http.Handler {
	return a.authorized(func(w http.ResponseWriter, r *request) error {
		r.room = a.Rooms.Executions
		return h(w, r)
	}, false)
}

// progressPatience is how long a request waits until its environment may have
// another in progress.
const progressPatience = 3 * time.Second

// within keeps a handler within the number of requests that an environment may have
// in progress, such as streams of those who watch it.
func (a *API) within(h handler) handler {
	return func(w http.ResponseWriter, r *request) error {
		environment := r.environment.ID
		if a.inProgress.TryAcquire(environment, 1) != nil {
			waiting, stop := context.WithTimeout(r.Context(), progressPatience)
			err := a.inProgress.Acquire(waiting, environment, 1)
			stop()
			if err != nil {
				return a.noRoom(r, err, model.Busy, "As many requests of this environment are in progress as there may be; try again")
			}
		}
		defer a.inProgress.Release(environment, 1)
		return h(w, r)
	}
}

func (a *API) authorized(h handler, allowPublic bool) http.Handler {
	return a.open(func(w http.ResponseWriter, r *request) error {
		key := bearer(r.Header)
		if key == "" {
			return model.Errorf(model.Unauthorized, "Invalid or Missing API key")
		}
		if strings.HasPrefix(key, publicKeyPrefix) && !allowPublic {
			return model.Errorf(model.Unauthorized, "This is a public API key (%s...); this route takes the secret one (tr_...)", publicKeyPrefix)
		}
		environment, err := a.Store.EnvironmentByKey(r.Context(), key, allowPublic)
		if model.CodeOf(err) == model.Unauthorized {
			return a.wrongKeys.refuse(a.clientAddress(r.Request), err)
		}
		if err != nil {
			return err
		}
		noteEnvironment(r.Request, environment.ID)
		if err := environment.CheckOn(); err != nil {
			return err
		}
		r.environment, r.readOnly = environment, strings.HasPrefix(key, publicKeyPrefix)
		r.room = a.Rooms.Keyed
		if !r.readOnly { // public keys are on web pages
			listener.HasKey(r.Request)
		}
		return h(w, r)
	})
}

// publicKeyPrefix distinguishes a public key from a secret one.
const publicKeyPrefix = "pk_"

// bearer returns the key that a request was sent with; empty for none. The name of
// the scheme is compared without regard to case (RFC 9110, section 11.1).
func bearer(header http.Header) string {
	scheme, key, _ := strings.Cut(header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// open lets a handler be reached by everyone.
func (a *API) open(h handler) http.Handler {
	return a.unchecked(func(w http.ResponseWriter, r *request) error {
		if err := checkText(r.Request); err != nil {
			return err
		}
		return h(w, r)
	})
}

// unchecked is open for requests that are not meant for the server itself: their
// queries and headers may be anything.
func (a *API) unchecked(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &countedWriter{ResponseWriter: w}
		asked := &request{Request: r, api: a, room: a.Rooms.Public}
		defer func() { asked.body.Release() }()
		a.conclude(answer, r, panics.Catch(func() error { return h(answer, asked) }))
	})
}

// errUnanswered means that a handler returned without an answer and without an error.
var errUnanswered = errors.New("its handler did not answer it")

// conclude sees to it that a request is answered: net/http would answer 200 for a
// handler that did not. An answer that was begun and cannot be finished is cut off, so
// that no client takes a part of it for the whole.
func (a *API) conclude(answer *countedWriter, r *http.Request, err error) {
	var panicked *panics.Error
	switch {
	case err == nil && answer.begun():
		return
	case err == nil:
		err = errUnanswered
	case errors.Is(err, http.ErrAbortHandler):
		panic(http.ErrAbortHandler)
	case errors.As(err, &panicked):
		a.Log.Error("a request made the server panic", "method", r.Method, "route", r.Pattern, "address", a.clientAddress(r), "err", panicked, "stack", string(panicked.Stack))
		if !answer.begun() {
			writeError(answer, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		panic(http.ErrAbortHandler)
	}
	if answer.begun() {
		a.Log.Error("a request failed after its answer was begun", "method", r.Method, "path", redactedPath(r), "address", a.clientAddress(r), "err", err)
		panic(http.ErrAbortHandler)
	}
	a.fail(answer, r, err)
}

// plain is for handlers that can not fail.
func plain(h http.HandlerFunc) http.Handler { return h }

// statuses are the HTTP statuses of the errors that callers get.
var statuses = map[model.Code]int{
	model.Invalid:      http.StatusBadRequest,
	model.NotFound:     http.StatusNotFound,
	model.Conflict:     http.StatusConflict,
	model.TooLarge:     http.StatusRequestEntityTooLarge,
	model.Unauthorized: http.StatusUnauthorized,
	model.Forbidden:    http.StatusForbidden,
	model.Unavailable:  http.StatusServiceUnavailable,
	model.Busy:         http.StatusTooManyRequests,
	model.Slow:         http.StatusRequestTimeout,
	model.CutOff:       http.StatusBadRequest,
}

// fail answers with an error. What is not meant for callers stays in the log.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var response *model.Error
	switch {
	case errors.As(err, &response):
		a.setRetryAfter(w.Header(), response.Again)
		message := response.Message
		if response.Code == model.Unauthorized {
			message += " (server " + a.PublicURL + ")" // who has several sees which one refuses
		}
		writeError(w, statuses[response.Code], message)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		// A caller who has only closed its sending side reads what is answered.
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusServiceUnavailable, "The connection was closed before the request was done; try again")
	case errors.Is(err, database.ErrUnavailable), errors.Is(err, database.ErrClosed):
		// Package health says it once for all requests.
		a.Log.Debug("the database cannot be reached", "method", r.Method, "path", redactedPath(r), "address", a.clientAddress(r), "err", err)
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusServiceUnavailable, "The database cannot be reached; try again")
	case errors.Is(err, database.ErrFull):
		a.Log.Debug("the disk of the database is full; the request was rolled back", "method", r.Method, "path", redactedPath(r), "address", a.clientAddress(r), "err", err)
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusInsufficientStorage, "The disk of the database is full; the request was rolled back")
	default:
		a.Log.Error("a request failed", "method", r.Method, "path", redactedPath(r), "address", a.clientAddress(r), "err", err)
		writeError(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// setRetryAfter says from when on a request may be sent again: in seconds as HTTP has it,
// and as the published clients read it (docs/protocol/api.md §2.4).
func (a *API) setRetryAfter(header http.Header, again time.Time) {
	if again.IsZero() {
		return
	}
	seconds := math.Ceil(max(0, again.Sub(a.Clock.Now()).Seconds()))
	header.Set("Retry-After", strconv.FormatFloat(seconds, 'f', 0, 64))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(again.UnixMilli(), 10))
}

// redactedPath returns a path without the secrets that some hold.
func redactedPath(r *http.Request) string {
	if secret := r.PathValue("secret"); secret != "" {
		return strings.ReplaceAll(r.URL.Path, secret, "...")
	}
	return r.URL.Path
}

// browser adds a GET route that web pages may call from anywhere
// (docs/protocol/api.md §2.3).
func (a *API) browser(pattern string, h http.Handler) {
	a.router.handle("GET", pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowOrigin(w, r)
		h.ServeHTTP(w, r)
	}))
	a.router.handle("OPTIONS", pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowOrigin(w, r)
		header := w.Header()
		header.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			header.Set("Access-Control-Allow-Headers", asked)
		}
		header.Add("Vary", "Access-Control-Request-Headers")
		header.Set("Access-Control-Max-Age", "300")
		writeJSON(w, http.StatusOK, struct{}{})
	}))
}

func allowOrigin(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Add("Vary", "Origin")
	}
}

// clientAddress returns the address of the client of a request, as trusted proxies
// say; it may be invalid.
func (a *API) clientAddress(r *http.Request) netip.Addr { return a.Proxies.ClientAddress(r) }
