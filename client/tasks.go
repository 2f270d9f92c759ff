package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// A Task is a task of a run, as people are shown it: without what it redacts.
type Task struct {
	ID string `json:"id"`
	// ParentID is the task that it is a part of; empty for none.
	ParentID string `json:"parentId"`
	// DisplayKey is the key that the job's code gave it.
	DisplayKey string              `json:"displayKey"`
	Name       string              `json:"name"`
	Status     protocol.TaskStatus `json:"status"`
	Params     json.RawMessage     `json:"params"`
	// Output is what it returned, Error why it failed; at most one is there.
	Output json.RawMessage `json:"output"`
	Error  json.RawMessage `json:"error"`
	// Attempts is how often it was tried.
	Attempts  int       `json:"attempts"`
	StartedAt time.Time `json:"startedAt"`
	// CompletedAt is when it ended; zero before.
	CompletedAt time.Time `json:"completedAt"`
	// DueAt is when it continues by itself; zero if it does not.
	DueAt time.Time `json:"dueAt"`
}

// mostTasks is how many tasks a page of a list that is read to its end has.
const mostTasks = 200

// ListTasks returns the tasks of a run in the order they were created.
func (c *Client) ListTasks(ctx context.Context, runID string) iter.Seq2[*Task, error] {
	return transport.Pages("", func(cursor string) ([]*Task, string, error) {
		page, err := c.PageOfTasks(ctx, runID, PageRequest{Cursor: cursor, Take: mostTasks})
		return page.Items, page.NextCursor, err
	})
}

// PageOfTasks returns a page of what [Client.ListTasks] does: up to 1000 tasks, and up to
// 200 where the request does not say.
func (c *Client) PageOfTasks(ctx context.Context, runID string, request PageRequest) (Page[*Task], error) {
	var page struct {
		Tasks []*Task `json:"tasks"`
		Next  string  `json:"nextTaskCursor"`
	}
	query := url.Values{"taskCursor": {request.Cursor}}
	if request.Take != 0 {
		query.Set("taskTake", strconv.Itoa(request.Take))
	}
	path := transport.WithQuery(transport.Path(ownAPI+"/runs/", runID), query)
	if err := c.transport.Call(ctx, "GET", path, nil, &page); err != nil {
		return Page[*Task]{}, fmt.Errorf("list the tasks of run %s: %w", runID, err)
	}
	return Page[*Task]{Items: page.Tasks, NextCursor: page.Next}, nil
}
