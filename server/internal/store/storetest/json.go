package storetest

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var jsonTests = []test{
	{"JSON comes back byte for byte wherever it is kept", jsonValues},
	{"an absent value, the JSON text null and an empty text are three things", absentValues},
}

// oddities are JSON texts that a store which reads them would change.
var oddities = map[string]string{
	"odd whitespace":            " {\t\"b\" :\r\n[ 1 ,2 ] }\n",
	"the order of keys":         `{"b":1,"a":2,"10":3,"9":4}`,
	"a key that is given twice": `{"a":1,"a":2}`,
	"a number of 25 digits":     `1234567890123456789012345`,
	"a whole number":            `1`,
	"the same with a fraction":  `1.0`,
	"the same with an exponent": `1e0`,
	"a large exponent":          `[1e2,1E+400,-0,-0.0,0.1e-7]`,
	"a line separator":          "\"a\u2028b\u2029c\"",
	"an emoji":                  `"👩‍👩‍👧 é"`,
	"an emoji, escaped":         `"\ud83d\ude00\u00e9\/"`,
	"an escaped U+0000":         `{"\u0000":"\u0000"}`,
	"half of a surrogate pair":  `"\ud800 \udfff"`,
	"characters of HTML":        `"<script>&amp;'"`,
	"characters of SQL":         `"'; DROP TABLE runs; -- $1 \\ %"`,
	"null":                      `null`,
	"an empty string":           `""`,
}

// documents are what every place must keep: the oddities one by one, as a value
// in a list, and those that a store may take for none of its own.
var documents = []string{
	" [" + strings.Join(slices.Sorted(maps.Values(oddities)), " ,\n") + "]\t",
	oddities["odd whitespace"], `null`, `""`, `1.0`,
}

// megabyte is as large as what an app may return.
var megabyte = `"` + strings.Repeat("0123456789abcdé\u2028", 1<<16) + `"`

func jsonValues(f *fixture) {
	// Those that are likely to be large.
	large := []string{"payload", "output of a run", "output of a task", "output of a task in a page", "body of a notification"}
	for _, place := range []struct {
		name string
		// keep stores a document and returns it as it is read.
		keep func(f *fixture, document []byte) []byte
	}{
		{"payload", func(f *fixture, d []byte) []byte {
			return f.eventWith(func(e *model.Event) { e.Payload = d }).Payload
		}},
		{"context", func(f *fixture, d []byte) []byte {
			return f.eventWith(func(e *model.Event) { e.Context = d }).Context
		}},
		{"context of an event's source", func(f *fixture, d []byte) []byte {
			return f.eventWith(func(e *model.Event) { e.SourceContext = d }).SourceContext
		}},
		{"payload of an event that was changed", func(f *fixture, d []byte) []byte {
			event := f.insertDue(f.clock.Now())
			findOrNot(f, func(tx *store.Tx) (time.Time, bool, error) {
				return tx.ChangeEvent(event.EnvironmentID, event.EventID, event.DeliverAt, store.EventChange{Payload: d, DeliverAt: event.DeliverAt})
			})
			return f.storedEvent(event).Payload
		}},
		{"filter of a dispatcher", func(f *fixture, d []byte) []byte {
			f.update(func(tx *store.Tx) error {
				return tx.SaveDispatcher(model.Dispatcher{ID: "dispatcher", EnvironmentID: f.environment.ID, Kind: model.DispatchJob, TargetID: "job", PayloadFilter: d})
			})
			return find(f, func(tx *store.Tx) (model.Dispatcher, bool, error) { return tx.Dispatcher(f.environment.ID, "job") }).PayloadFilter
		}},
		{"output of a run", func(f *fixture, d []byte) []byte {
			run := f.insertRun(leased("node_a"))
			run.Output = d
			f.update(func(tx *store.Tx) error { return tx.EndExecution(run, store.RunChange{Transition: model.RunSucceeds}) })
			return f.storedRun(run).Output
		}},
		{"output of a run that the platform ended", func(f *fixture, d []byte) []byte {
			run := f.insertRun()
			f.update(func(tx *store.Tx) error { return tx.SetRunOutput(run.ID, d) })
			return f.storedRun(run).Output
		}},
		{"parameters", func(f *fixture, d []byte) []byte { return f.taskWith(func(t *model.Task) { t.Params = d }).Params }},
		{"parameters as they are shown", func(f *fixture, d []byte) []byte {
			return f.taskWith(func(t *model.Task) { t.ShownParams = d }).ShownParams
		}},
		{"properties", func(f *fixture, d []byte) []byte {
			return f.taskWith(func(t *model.Task) { t.Properties = d }).Properties
		}},
		{"style", func(f *fixture, d []byte) []byte { return f.taskWith(func(t *model.Task) { t.Style = d }).Style }},
		{"redaction", func(f *fixture, d []byte) []byte { return f.taskWith(func(t *model.Task) { t.Redact = d }).Redact }},
		{"output of a task", func(f *fixture, d []byte) []byte { return f.endedTaskWith(store.TaskEnd{Output: d}).Output }},
		{"output of a task in a page", func(f *fixture, d []byte) []byte {
			task := f.endedTaskWith(store.TaskEnd{Output: d})
			page := pageOf(f, func(tx *store.Tx) ([]protocol.CachedTask, string, error) {
				return tx.CompletedTasks(task.RunID, "", store.Page{Items: 1})
			})
			return page[0].Output
		}},
		{"output properties", func(f *fixture, d []byte) []byte {
			return f.endedTaskWith(store.TaskEnd{OutputProperties: d}).OutputProperties
		}},
		{"output properties of an open task", func(f *fixture, d []byte) []byte {
			task := f.taskWith(func(*model.Task) {})
			f.update(func(tx *store.Tx) error { return tx.SetOutputProperties(f.environment.ID, task.ID, d) })
			return f.storedTask(task).OutputProperties
		}},
		{"context of a task", func(f *fixture, d []byte) []byte {
			task := f.taskWith(func(*model.Task) {})
			f.update(func(tx *store.Tx) error { return tx.SetTaskContext(task.ID, d) })
			return f.storedTask(task).Context
		}},
		{"error of open tasks", func(f *fixture, d []byte) []byte {
			task := f.taskWith(func(*model.Task) {})
			f.update(func(tx *store.Tx) error { return tx.EndOpenTasks(task.RunID, model.TaskRunFailed, d) })
			return f.storedTask(task).Output
		}},
		{"data of a status", func(f *fixture, d []byte) []byte { return f.statusWith(protocol.ProgressStatus{Data: d}).Data }},
		{"data in the history of a status", func(f *fixture, d []byte) []byte {
			return f.statusWith(protocol.ProgressStatus{History: []protocol.ProgressSnapshot{{Data: d}}}).History[0].Data
		}},
		{"body of a notification", func(f *fixture, d []byte) []byte {
			return f.storedNotification(f.insertNotification(f.run(), func(n *model.Notification) { n.Body = d })).Body
		}},
		{"data of an indexing's source", func(f *fixture, d []byte) []byte {
			i := f.insertIndex(f.clock.Now(), func(i *model.EndpointIndex) { i.SourceData = d })
			return f.storedIndex(i.ID).SourceData
		}},
		{"stats of an indexing", func(f *fixture, d []byte) []byte {
			return f.endedIndexWith(func(i *model.EndpointIndex) { i.Stats = d }).Stats
		}},
		{"error of an indexing", func(f *fixture, d []byte) []byte {
			return f.endedIndexWith(func(i *model.EndpointIndex) { i.Error = d }).Error
		}},
	} {
		f.Run(place.name, func(t *testing.T) {
			in := *f
			in.T = t
			kept := documents
			if slices.Contains(large, place.name) {
				kept = append(slices.Clone(kept), megabyte)
			}
			for _, document := range kept {
				if got := place.keep(&in, []byte(document)); !bytes.Equal(got, []byte(document)) {
					t.Errorf("got %.1000q, want %.1000q", got, document)
				}
			}
		})
	}
}

func (f *fixture) eventWith(change func(*model.Event)) model.Event {
	f.Helper()
	event := f.event()
	change(&event)
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertEvent(event)
		return err
	})
	run := f.insertRun(func(r *model.Run) { r.EventID = event.ID })
	return find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) }).Event
}

func (f *fixture) taskWith(change func(*model.Task)) model.Task {
	f.Helper()
	run := f.run()
	return f.storedTask(f.insertTask(run, "key", change))
}

func (f *fixture) endedTaskWith(end store.TaskEnd) model.Task {
	f.Helper()
	end.Transition = model.TaskCompletes
	task := f.taskWith(func(*model.Task) {})
	findOrNot(f, func(tx *store.Tx) (model.Task, bool, error) { return tx.EndTask(f.environment.ID, task.ID, end) })
	return f.storedTask(task)
}

func (f *fixture) statusWith(s protocol.ProgressStatus) protocol.ProgressStatus {
	f.Helper()
	run := f.run()
	s.Key = "key"
	f.update(func(tx *store.Tx) error { return tx.SaveStatus(f.environment.ID, run.ID, s) })
	return find(f, func(tx *store.Tx) (protocol.ProgressStatus, bool, error) { return tx.Status(run.ID, "key") })
}

func (f *fixture) endedIndexWith(change func(*model.EndpointIndex)) model.EndpointIndex {
	f.Helper()
	f.insertIndex(f.clock.Now())
	i := f.claimIndexes("node_a", 1)[0]
	i.Status = model.IndexFailure
	change(&i)
	f.update(func(tx *store.Tx) error { return tx.EndIndex(i, time.Time{}) })
	return f.storedIndex(i.ID)
}

func absentValues(f *fixture) {
	for _, value := range [][]byte{nil, []byte(`null`), {}} {
		run := f.insertRun(leased("node_a"))
		run.Output = value
		f.update(func(tx *store.Tx) error { return tx.EndExecution(run, store.RunChange{Transition: model.RunSucceeds}) })
		same(f, "the output of a run", f.storedRun(run).Output, value)
		same(f, "the parameters of a task", f.taskWith(func(t *model.Task) { t.Params = value }).Params, value)
		task := f.endedTaskWith(store.TaskEnd{Output: value, OutputProperties: value})
		same(f, "the output of a task", task.Output, value)
		same(f, "the output properties of a task", task.OutputProperties, value)
		same(f, "the data of a status", f.statusWith(protocol.ProgressStatus{Data: value}).Data, value)
	}
}

// same distinguishes an empty text from an absent one.
func same(f *fixture, what string, got, want []byte) {
	f.Helper()
	if (got == nil) != (want == nil) || !bytes.Equal(got, want) {
		f.Errorf("%s: got %q (absent: %v), want %q (absent: %v)", what, got, got == nil, want, want == nil)
	}
}
