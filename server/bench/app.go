package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

const (
	apiKey     = "tr_dev_bench01234567890123456789abcdefghij"
	endpointID = "bench"
)

// The jobs of the app have as many tasks as their name says.
var taskCounts = []int{0, 3}

func jobName(tasks int) string { return fmt.Sprintf("with-%d-tasks", tasks) }

// jobOutput is what the jobs return: when their first line ran, in nanoseconds
// since 1970, which clients on the same machine can compare with their own clock.
type jobOutput struct {
	StartedAt int64 `json:"startedAt"`
}

// newApp returns the endpoint of an app that makes its requests with client. A
// nil client is the one that the SDK would take.
func newApp(kind, serverURL string, client *http.Client) (http.Handler, error) {
	if kind == appSDK {
		return newSDKApp(serverURL, client), nil
	}
	if client == nil {
		client = newClient()
	}
	switch kind {
	case appRaw:
		return &rawApp{server: serverURL, client: client, index: rawIndex}, nil
	case appHops:
		return &hopsApp{server: serverURL, client: client}, nil
	}
	return nil, fmt.Errorf("there is no app %q", kind)
}

func newSDKApp(serverURL string, requests *http.Client) http.Handler {
	app := runhook.New(runhook.Config{
		ID: endpointID, APIKey: apiKey, APIURL: serverURL, HTTPClient: requests, Logger: slog.New(slog.DiscardHandler),
	})
	for _, tasks := range taskCounts {
		runhook.NewJob(app, jobName(tasks), "1.0.0", runhook.OnInvoke[payload](),
			func(ctx context.Context, _ payload) (jobOutput, error) {
				output := jobOutput{StartedAt: time.Now().UnixNano()}
				for i := range tasks {
					_, err := runhook.Task(ctx, "task-"+strconv.Itoa(i), func(context.Context) (taskOutput, error) {
						return taskOutput{Number: i}, nil
					})
					if err != nil {
						return output, err
					}
				}
				return output, nil
			})
	}
	return app
}

// taskOutput is what each task returns.
type taskOutput struct {
	Number int `json:"number"`
}

// rawApp is the least that speaks the protocol, to show what the SDK costs.
type rawApp struct {
	server string
	client *http.Client
	index  func() protocol.Index
}

func (a *rawApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(protocol.HeaderVersion, protocol.VersionLazyCachedTasks)
	switch protocol.Action(r.Header.Get(protocol.HeaderAction)) {
	case protocol.ActionPing:
		io.WriteString(w, `{"ok":true}`)
	case protocol.ActionIndexEndpoint:
		json.NewEncoder(w).Encode(a.index())
	case protocol.ActionExecuteJob:
		var request struct {
			Run struct {
				ID string `json:"id"`
			} `json:"run"`
			Job struct {
				ID string `json:"id"`
			} `json:"job"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, tasks := range taskCounts {
			if request.Job.ID != jobName(tasks) {
				continue
			}
			if err := a.tasks(r.Context(), request.Run.ID, tasks); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		fmt.Fprintf(w, `{"status":"SUCCESS","output":{"startedAt":%d}}`, started.UnixNano())
	}
}

func (a *rawApp) tasks(ctx context.Context, run string, count int) error {
	for i := range count {
		path := "/api/v1/runs/" + run + "/tasks"
		key := fmt.Sprintf("%s-%064d", run, i)
		body := fmt.Sprintf(`{"idempotencyKey":%q,"displayKey":"task-%d","noop":false}`, key, i)
		var created struct {
			Task struct {
				ID string `json:"id"`
			} `json:"task"`
		}
		if err := a.post(ctx, path, body, key, protocol.VersionLazyCachedTasks, &created); err != nil {
			return err
		}
		body = fmt.Sprintf(`{"output":"{\"number\":%d}"}`, i)
		if err := a.post(ctx, path+"/"+created.Task.ID+"/complete", body, "", protocol.VersionSerializedOutput, nil); err != nil {
			return err
		}
	}
	return nil
}

func (a *rawApp) post(ctx context.Context, path, body, key, version string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.server+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(protocol.HeaderVersion, version)
	if key != "" {
		request.Header.Set(protocol.HeaderIdempotencyKey, key)
	}
	return exchange(a.client, request, answer)
}

// exchange makes a request and decodes its answer, which must be a success.
func exchange(client *http.Client, request *http.Request, answer any) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", request.Method, request.URL, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", request.Method, request.URL, response.Status, bytes.TrimSpace(body))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

func rawIndex() protocol.Index {
	index := protocol.Index{
		Sources: []protocol.IndexedSource{}, DynamicTriggers: []protocol.IndexedDynamicTrigger{}, DynamicSchedules: []protocol.IndexedDynamicSchedule{},
	}
	for _, tasks := range taskCounts {
		index.Jobs = append(index.Jobs, protocol.IndexedJob{
			ID: jobName(tasks), Name: jobName(tasks), Version: "1.0.0", Enabled: true, StartPosition: "latest",
			Event: protocol.EventSpecification{
				Name: json.RawMessage(`"invoke"`), Title: "Manual Invoke", Source: "trigger.dev", Icon: "trigger", Examples: json.RawMessage(`[]`),
			},
			Trigger: json.RawMessage(`{"type":"invoke"}`), Integrations: json.RawMessage(`{}`),
		})
	}
	return index
}
