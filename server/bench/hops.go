package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// appHops is the app that the floor of HTTP hops is measured with.
const appHops = "hops"

// The sizes of what travels for one run besides its payload, in bytes, as a real
// run was seen to have them.
const (
	executeEnvelope = 820
	createdTaskSize = 640
	endedTaskSize   = 620
	webhookEnvelope = 1040
)

// hops passes requests on as a server does for a run, with bodies as large, and
// keeps nothing: what it reaches is what the HTTP of this machine allows.
type hops struct {
	client   *http.Client
	callback string
	app      atomic.Pointer[string]
	runs     atomic.Int64
	task     []byte

	executions sync.WaitGroup
}

func newHops(callback string) http.Handler {
	h := &hops{client: newClient(), callback: callback, task: filler(createdTaskSize)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /app", h.setApp)
	mux.HandleFunc("POST /api/v1/jobs/{job}/invoke", h.invoke)
	mux.HandleFunc("POST /tasks", h.answerTask)
	return mux
}

// filler returns JSON of about the size.
func filler(size int) []byte { return []byte(`{"x":"` + strings.Repeat("x", max(0, size-8)) + `"}`) }

func (h *hops) setApp(w http.ResponseWriter, r *http.Request) {
	url, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.app.Store(new(string(url)))
}

func (h *hops) invoke(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id, job := fmt.Sprintf("run_%026d", h.runs.Add(1)), r.PathValue("job")
	h.executions.Go(func() { h.execute(id, job, len(body)) })
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":%q}`, id)
}

// execute calls the app, and then the callback with what the app returned. A run
// that fails has no webhook, which the client notices.
func (h *hops) execute(id, job string, size int) {
	output, err := h.post(*h.app.Load()+"/"+job, filler(size+executeEnvelope))
	if err != nil {
		return
	}
	webhook := fmt.Appendf(nil, `{"id":%q,"ok":true,"output":%s,"x":%s}`, id, output, filler(size+webhookEnvelope))
	h.post(h.callback, webhook)
}

func (h *hops) post(url string, body []byte) ([]byte, error) { return post(h.client, url, body) }

func post(client *http.Client, url string, body []byte) ([]byte, error) {
	response, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func (h *hops) answerTask(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Write(h.task)
}

// hopsApp is an app without jobs: it makes the requests of as many tasks as the
// path asks for, and answers.
type hopsApp struct {
	server string
	client *http.Client
}

func (a *hopsApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	io.Copy(io.Discard, r.Body)
	_, rest, _ := strings.Cut(r.URL.Path, "with-")
	count, _, _ := strings.Cut(rest, "-")
	tasks, err := strconv.Atoi(count)
	if err != nil {
		http.Error(w, "no such job", http.StatusNotFound)
		return
	}
	for range 2 * tasks { // one to create it, one to complete it
		if _, err := post(a.client, a.server+"/tasks", filler(endedTaskSize/4)); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(jobOutput{StartedAt: started.UnixNano()})
}
