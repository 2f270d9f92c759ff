package runhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/runhook/runhook/internal/jsontext"
	"github.com/runhook/runhook/protocol"
)

const sdkVersionHeader = "runhook-go/" + Version

// ServeHTTP answers the server's requests to the endpoint. Mount the app at
// any path, for POST at least; what it is asked is in the headers. Requests
// without the environment's API key are refused.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := a.now()
	if message := a.unauthorized(r); message != "" {
		refuse(w, http.StatusUnauthorized, message)
		return
	}
	if r.Method != http.MethodPost {
		refuse(w, http.StatusMethodNotAllowed, "Method not allowed (only POST is allowed)")
		return
	}
	action := protocol.Action(r.Header.Get(protocol.HeaderAction))
	if action == "" {
		refuse(w, http.StatusBadRequest, "Missing x-trigger-action header")
		return
	}
	switch action {
	case protocol.ActionPing:
		a.respond(w, started, a.ping(r))
	case protocol.ActionValidate:
		a.respond(w, started, map[string]any{"ok": true, "endpointId": a.id})
	case protocol.ActionIndexEndpoint:
		a.respond(w, started, a.indexDocument())
	case protocol.ActionExecuteJob:
		a.executeJob(w, r, started)
	case protocol.ActionPreprocessRun:
		a.preprocessRun(w, r, started)
	case protocol.ActionRunNotification:
		a.respond(w, started, okAnswer)
	case protocol.ActionDeliverForResponse:
		a.respondToRequest(w, r, started)
	case protocol.ActionDeliverSource:
		a.handleSource(w, r, started)
	case protocol.ActionProbeTimeout:
		a.probeTimeout(w, r, started)
	default:
		refuse(w, http.StatusMethodNotAllowed, "Method not allowed")
	}
}

var okAnswer = map[string]bool{"ok": true}

// unauthorized returns why a request is refused, or nothing. Keys are compared
// by their hashes, so that the time it takes reveals nothing about the key.
func (a *App) unauthorized(r *http.Request) string {
	keys := r.Header.Values(protocol.HeaderAPIKey)
	if len(keys) == 0 {
		return "Unauthorized: missing x-trigger-api-key header"
	}
	if a.transport.Key() == "" {
		return "Unauthorized: client missing apiKey"
	}
	got, want := sha256.Sum256([]byte(keys[0])), sha256.Sum256([]byte(a.transport.Key()))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return "Forbidden: client apiKey mismatch: Make sure you are using the correct API Key for your environment"
	}
	return ""
}

func (a *App) ping(r *http.Request) protocol.Ping {
	switch id := r.Header.Get(protocol.HeaderEndpointID); {
	case id == "":
		return protocol.Ping{Error: "Missing endpoint ID"}
	case id == a.id, fromLatin1(id) == a.id: // as older servers write it, and as it is written
		return protocol.Ping{OK: true}
	default:
		return protocol.Ping{Error: "Endpoint ID mismatch error. Expected " + a.id + ", got " + id}
	}
}

func (a *App) executeJob(w http.ResponseWriter, r *http.Request, started time.Time) {
	var request protocol.ExecuteJob
	if !a.readBody(w, r, &request, "Invalid execution") {
		return
	}
	if !validExecution(&request) {
		refuse(w, http.StatusBadRequest, "Invalid execution")
		return
	}
	job := a.job(request.Job.ID)
	if job == nil {
		refuse(w, http.StatusNotFound, "Job not found")
		return
	}
	x := newExecution(a, &request, r.Header, started)
	result, err := x.do(r.Context(), job, &request)
	a.logExecution(r.Context(), x, &result, err)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "The request ended before the execution did")
		return
	}
	w.Header().Set(protocol.HeaderRunMetadata, "{}")
	a.respond(w, started, &result)
}

func (a *App) logExecution(ctx context.Context, x *execution, result *protocol.ExecutionResult, err error) {
	if err == nil && result.Error != nil {
		err = result.Error
	}
	a.logger.DebugContext(ctx, "runhook: execution ended", "run", x.run.ID, "job", x.run.Job.ID,
		"status", result.Status, "duration_ms", x.elapsed(), "err", err)
}

func validExecution(request *protocol.ExecuteJob) bool {
	switch request.Environment.Type {
	case protocol.Production, protocol.Staging, protocol.Development, protocol.Preview:
	default:
		return false
	}
	return request.Run.ID != "" && request.Job.ID != "" && request.Event.ID != "" && request.Event.Payload != nil
}

func (a *App) preprocessRun(w http.ResponseWriter, r *http.Request, started time.Time) {
	var request struct {
		Job protocol.JobReference `json:"job"`
	}
	if !a.readBody(w, r, &request, "Invalid body") {
		return
	}
	if a.job(request.Job.ID) == nil {
		refuse(w, http.StatusNotFound, "Job not found")
		return
	}
	a.respond(w, started, map[string]any{"abort": false, "properties": []protocol.DisplayProperty{}})
}

// probeTimeout keeps the server waiting, which is how it learns how long this
// endpoint's platform lets a request take.
func (a *App) probeTimeout(w http.ResponseWriter, r *http.Request, started time.Time) {
	request := struct {
		Timeout float64 `json:"timeout"` // milliseconds
	}{Timeout: 900_000}
	if !a.readBody(w, r, &request, "Invalid body") {
		return
	}
	timer := time.NewTimer(time.Duration(request.Timeout * float64(time.Millisecond)))
	defer timer.Stop()
	select {
	case <-timer.C:
		a.respond(w, started, okAnswer)
	case <-r.Context().Done():
	}
}

// readBody decodes the body into target, or refuses the request and returns
// false.
func (a *App) readBody(w http.ResponseWriter, r *http.Request, target any, complaint string) bool {
	buffer := jsontext.TakeBuffer()
	defer jsontext.ReturnBuffer(buffer)
	_, err := io.Copy(buffer, http.MaxBytesReader(w, r.Body, a.maxBodyBytes))
	switch {
	case refuseTooLarge(w, err):
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "The request could not be read: "+err.Error())
	case json.Unmarshal(buffer.Bytes(), target) != nil:
		refuse(w, http.StatusBadRequest, complaint)
	default:
		return true
	}
	return false
}

func (a *App) respond(w http.ResponseWriter, started time.Time, body any) {
	err := jsontext.With(body, func(text []byte) error {
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set(protocol.HeaderVersion, protocol.VersionLazyCachedTasks)
		header.Set(protocol.HeaderSDKVersion, sdkVersionHeader)
		header.Set(protocol.HeaderRequestTiming, "dur="+strconv.FormatFloat(milliseconds(a.now().Sub(started)), 'f', -1, 64))
		header.Set("Content-Length", strconv.Itoa(len(text)))
		w.Write(text) // an answer that nobody reads is of no interest
		return nil
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "The answer could not be encoded: "+err.Error())
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(mustEncode(map[string]string{"message": message}))
}

// refuseTooLarge refuses a request if its body could not be read because it is too
// large, and reports whether that is so.
func refuseTooLarge(w http.ResponseWriter, err error) bool {
	tooLarge, ok := errors.AsType[*http.MaxBytesError](err)
	if ok {
		refuse(w, http.StatusRequestEntityTooLarge, "The request is larger than "+
			strconv.FormatInt(tooLarge.Limit, 10)+" bytes: raise Config.MaxBodyBytes to accept it")
	}
	return ok
}
