package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// Client calls the API with one key. It may be used concurrently.
type Client struct {
	t    testing.TB
	base string
	key  string
	wait func(string, func() bool)
}

// Answer is what the API answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error returns the error member of the answer; empty if it has no such string.
func (a Answer) Error() string {
	var body struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(a.Body, &body) // an error of another shape is none
	return body.Error
}

// Members returns the answer's object as raw members, to distinguish absent from null.
func (a Answer) Members() map[string]json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(a.Body, &members) // what is no object has no members
	return members
}

// Do sends a request. A body that is a string or bytes is sent as it is, nil as
// no body, anything else as JSON. headers are names and values in turn.
func (c *Client) Do(method, path string, body any, headers ...string) Answer {
	c.t.Helper()
	request, err := http.NewRequest(method, c.base+path, encode(body))
	if err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
		return Answer{}
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
		return Answer{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Errorf("%s %s: read the answer: %v", method, path, err)
	}
	answer := Answer{response.StatusCode, response.Header, text}
	c.checkPromises(method, path, answer)
	return answer
}

// checkPromises checks what the published clients rely on in every answer
// (docs/protocol/api.md §T1 to §T3).
func (c *Client) checkPromises(method, path string, answer Answer) {
	c.t.Helper()
	if version := answer.Header.Get(protocol.HeaderVersion); version != "" && !strings.HasSuffix(path, "/tasks") {
		c.t.Errorf("%s %s answered with %s %q, which only the creation of a task may have", method, path, protocol.HeaderVersion, version)
	}
	switch {
	case !strings.HasPrefix(path, "/api/"), method == http.MethodHead:
	case strings.HasPrefix(path, "/api/v1/http-endpoints/"): // answers of apps, to any caller
	case answer.Status < 400 && answer.Status != http.StatusOK:
		c.t.Errorf("%s %s answered %d: only 200 is a success", method, path, answer.Status)
	case answer.Status >= 400 && answer.Error() == "":
		c.t.Errorf("%s %s answered %d without an error that is text: %.300s", method, path, answer.Status, answer.Body)
	}
}

func encode(body any) io.Reader {
	switch body := body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(body)
	case []byte:
		return bytes.NewReader(body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("a request body that is not JSON: %v", err))
	}
	return bytes.NewReader(text)
}

// OK is Do for a request that must succeed; the answer is decoded into the given
// value if it is not nil.
func (c *Client) OK(method, path string, body, into any, headers ...string) Answer {
	c.t.Helper()
	answer := c.Do(method, path, body, headers...)
	if answer.Status != http.StatusOK {
		c.t.Errorf("%s %s answered %d: %.500s", method, path, answer.Status, answer.Body)
		return answer
	}
	if into != nil {
		if err := json.Unmarshal(answer.Body, into); err != nil {
			c.t.Errorf("%s %s answered %.500s: %v", method, path, answer.Body, err)
		}
	}
	return answer
}

// Invoke invokes a job and returns its run's id.
func (c *Client) Invoke(job string, body any, headers ...string) string {
	c.t.Helper()
	var invoked protocol.InvokedRun
	c.OK("POST", "/api/v1/jobs/"+job+"/invoke", body, &invoked, headers...)
	return invoked.ID
}

// Run returns a run with its first tasks.
func (c *Client) Run(id string) protocol.Run {
	c.t.Helper()
	var run protocol.Run
	c.OK("GET", "/api/v2/runs/"+id+"?subtasks=true&taskdetails=true&take=50", nil, &run)
	return run
}

// WaitRun waits until a run has one of the statuses, and returns it.
func (c *Client) WaitRun(id string, statuses ...protocol.RunStatus) (run protocol.Run) {
	c.t.Helper()
	c.wait(fmt.Sprintf("run %s to be %v", id, statuses), func() bool {
		run = c.Run(id)
		if run.Status.Terminal() && !slices.Contains(statuses, run.Status) {
			c.t.Fatalf("run %s is %s, want %v; output %s", id, run.Status, statuses, run.Output)
		}
		return slices.Contains(statuses, run.Status)
	})
	return run
}

// CheckStatus checks the status of an answer.
func CheckStatus(t testing.TB, answer Answer, status int) {
	t.Helper()
	if answer.Status != status {
		t.Errorf("answered %d, want %d: %s", answer.Status, status, answer.Body)
	}
}
