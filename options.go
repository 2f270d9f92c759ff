package runhook

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
)

// A JobOption says more about a job: [Name], [Enabled], [ConcurrencyLimit],
// [StrictPayload], [Auth], [Middleware].
type JobOption interface{ applyToJob(*jobOptions) }

// A TaskOption is an option of [Task] and [Parallel]: a [DoOption] or [Redact].
type TaskOption interface{ applyToTask(*taskOptions) }

// A DoOption is an option of [Do], which has no result: a [StepOption] or a
// [RetryPolicy].
type DoOption interface {
	TaskOption
	doOption()
}

// A StepOption is an option of all that is done in steps, such as [Sleep] and
// [SetProgress]: [Key], which is part of the step's key, and [Name], [Params], [Icon],
// [Description] and [Properties], which people see it with.
type StepOption interface {
	DoOption
	stepOption()
}

// An InvokeOption is an option of [Job.Invoke] and [Job.InvokeTask]: [CallbackURL],
// [IdempotencyKey], [AccountID], [Context], [TimeToLive].
type InvokeOption interface{ applyToInvoke(*invokeOptions) }

// An InvokeAndWaitOption is an option of [Job.InvokeAndWait], whose run is its own and
// calls back to it: [Timeout], [AccountID], [Context], [TimeToLive].
type InvokeAndWaitOption interface{ applyToInvokeAndWait(*invokeOptions) }

type jobOptions struct {
	name        string
	enabled     bool
	concurrency int
	strict      bool
	internal    bool
	auths       []resolver
	middleware  []Middleware
}

type taskOptions struct {
	request protocol.CreateTask
	key     []any
	err     error
}

type invokeOptions struct {
	request        protocol.InvokeJob
	options        protocol.InvokeOptions
	idempotencyKey string
	timeout        time.Duration
	err            error
}

// Name is what people see a job, a task or an HTTP endpoint as, in place of its ID
// or key.
type Name string

func (n Name) applyToJob(o *jobOptions)   { o.name = string(n) }
func (n Name) applyToTask(o *taskOptions) { o.request.Name = string(n) }

// Enabled says whether a job may be run, or an HTTP endpoint called. They are
// enabled by default.
type Enabled bool

func (e Enabled) applyToJob(o *jobOptions) { o.enabled = bool(e) }

// ConcurrencyLimit is how many runs of a job may execute at once. Zero means
// that the job sets no limit.
type ConcurrencyLimit int

func (c ConcurrencyLimit) applyToJob(o *jobOptions) { o.concurrency = int(c) }

// StrictPayload says whether a payload with members that its type does not have is
// invalid. Otherwise they are ignored.
type StrictPayload bool

func (s StrictPayload) applyToJob(o *jobOptions) { o.strict = bool(s) }

// Icon is the name of the icon that a task is shown with.
type Icon string

func (i Icon) applyToTask(o *taskOptions) { o.request.Icon = string(i) }

// Description is a text that a task is shown with.
type Description string

func (d Description) applyToTask(o *taskOptions) { o.request.Description = string(d) }

// A Property is a label and a text, perhaps with a link, for people to see.
type Property = protocol.DisplayProperty

// Properties are shown with a task from its start. Those that are known only
// later can be added with [ShowProperties].
type Properties []Property

func (p Properties) applyToTask(o *taskOptions) { o.request.Properties = p }

// Redact names parts of a task's output, as paths like "card.number" or
// "cards.0.number", that people are not shown. Code gets them all the same. There may
// be 1,000 paths of 64 KiB together.
type Redact []string

func (r Redact) applyToTask(o *taskOptions) { o.request.Redact = &protocol.Redact{Paths: r} }

type stepOption func(*taskOptions)

func (set stepOption) applyToTask(o *taskOptions) { set(o) }

func (stepOption) doOption()   {}
func (stepOption) stepOption() {}

func (Name) doOption()          {}
func (Name) stepOption()        {}
func (Icon) doOption()          {}
func (Icon) stepOption()        {}
func (Description) doOption()   {}
func (Description) stepOption() {}
func (Properties) doOption()    {}
func (Properties) stepOption()  {}

// Params are the inputs that a task is shown with, and reported with if it
// fails. value is encoded as JSON.
func Params(value any) StepOption {
	return stepOption(func(o *taskOptions) { o.request.Params, o.err = encodeOption("params", value, o.err) })
}

// Key adds parts to the key of a task, which is how a task in a loop gets a key
// of its own:
//
//	for _, line := range order.Lines {
//		err := runhook.Do(ctx, "reserve", reserve(line), runhook.Key(line.SKU))
//	}
//
// Parts are compared by their JSON text.
func Key(parts ...any) StepOption {
	return stepOption(func(o *taskOptions) { o.key = append(o.key, parts...) })
}

// CallbackURL is where the completion webhook of the invoked run is sent.
type CallbackURL string

func (c CallbackURL) applyToInvoke(o *invokeOptions) { o.options.CallbackURL = string(c) }

// IdempotencyKey makes invocations with the same key one: all return the run
// that the first has started.
type IdempotencyKey string

func (k IdempotencyKey) applyToInvoke(o *invokeOptions) { o.idempotencyKey = string(k) }

// AccountID is the account of yours that a run is for: one that is invoked, or
// those that an event or a schedule starts. A wait for an event passes over those
// of other accounts.
type AccountID string

func (a AccountID) applyToInvoke(o *invokeOptions)        { o.options.AccountID = string(a) }
func (a AccountID) applyToInvokeAndWait(o *invokeOptions) { o.options.AccountID = string(a) }
func (a AccountID) applyToSend(o *sendOptions)            { o.wire.AccountID = string(a) }
func (a AccountID) applyToEventWait(o *waitOptions)       { o.request.AccountID = string(a) }
func (a AccountID) applyToSchedule(o *scheduleOptions)    { o.request.AccountID = string(a) }

// Timeout is how long [Job.InvokeAndWait], [WaitForEvent] or [WaitForRequest]
// waits. Without the option it is an hour. Zero or less means for ever, but for
// events, which can be waited for 10 seconds to 365 days. A wait that is over
// fails with an error for which errors.Is(err, [ErrTimeout]) holds.
type Timeout time.Duration

func (t Timeout) applyToInvokeAndWait(o *invokeOptions) { o.timeout = time.Duration(t) }
func (t Timeout) applyToEventWait(o *waitOptions)       { o.timeout = time.Duration(t) }
func (t Timeout) applyToRequestWait(o *waitOptions)     { o.timeout = time.Duration(t) }

// TimeToLive is how long the invoked run may wait to begin. If its app has neither
// answered an execution nor asked for a task by then, because it is away or because
// there is more work than the server has room for, the run ends as ABORTED. Without
// the option, or with zero, a run waits for as long as it takes.
type TimeToLive time.Duration

func (t TimeToLive) applyToInvoke(o *invokeOptions) {
	o.options.TimeToLiveInSeconds = time.Duration(t).Seconds()
}
func (t TimeToLive) applyToInvokeAndWait(o *invokeOptions) { t.applyToInvoke(o) }

// A ContextOption is a [Context].
type ContextOption interface {
	InvokeOption
	InvokeAndWaitOption
}

type contextOption func(*invokeOptions)

func (set contextOption) applyToInvoke(o *invokeOptions)        { set(o) }
func (set contextOption) applyToInvokeAndWait(o *invokeOptions) { set(o) }

// Context is a value that travels with the run beside its payload. value is
// encoded as JSON. The job finds it in the [RunEvent] of [CurrentRun].
func Context(value any) ContextOption {
	return contextOption(func(o *invokeOptions) { o.request.Context, o.err = encodeOption("context", value, o.err) })
}

// encodeOption encodes the value of an option, keeping an earlier error.
func encodeOption(what string, value any, earlier error) (json.RawMessage, error) {
	text, err := encode(value)
	if err != nil {
		err = fmt.Errorf("encode the %s as JSON: %w", what, err)
	}
	if earlier != nil {
		err = earlier
	}
	return text, err
}

// taskOptionsOf returns options of a kind that all tasks take.
func taskOptionsOf[Option TaskOption](options []Option) []TaskOption {
	if len(options) == 0 {
		return nil
	}
	all := make([]TaskOption, len(options))
	for i, option := range options {
		all[i] = option
	}
	return all
}
