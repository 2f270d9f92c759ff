package runhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// Log writes a message to the log of the run, once: executions that come past
// it again do not repeat it. data is shown with the message; it is encoded as
// JSON and may be nil or an error. The same message may be logged many times.
//
// Log returns nothing. If it meets the end of the execution, the next call of
// Task or the like reports it. Outside a run it does nothing.
func Log(ctx context.Context, level slog.Level, message string, data any) {
	s := branchFrom(ctx)
	if s == nil {
		return
	}
	params, err := encodeLogData(data)
	if err != nil {
		s.execution.app.logger.WarnContext(ctx, "runhook: data of a log message is left out",
			"run", s.execution.run.ID, "err", err)
	}
	s.log(ctx, level, message, params)
}

func encodeLogData(data any) (json.RawMessage, error) {
	switch value := data.(type) {
	case nil:
		return nil, nil
	case error:
		return encode(wireError(value))
	}
	return encode(data)
}

// logTaskName is the name of the tasks that log messages are.
const logTaskName = "log"

func (b *branch) log(ctx context.Context, level slog.Level, message string, params json.RawMessage) {
	name := levelName(level)
	call := &taskCall{key: message, parts: []any{message, name}, concurrent: true}
	if count := b.occurrence(name + " " + message); count > 1 {
		call.parts = append(call.parts, count)
	}
	call.request = protocol.CreateTask{
		Noop: true, Name: logTaskName, Icon: "log", Description: message, Params: params,
		Properties: []protocol.DisplayProperty{{Label: "Level", Text: name}},
		Style:      &protocol.Style{Style: "minimal", Variant: strings.ToLower(name)},
	}
	if _, err := b.call(ctx, call); err != nil {
		if _, suspended := asSuspension(err); !suspended {
			b.execution.app.logger.WarnContext(ctx, "runhook: a log message could not be stored",
				"run", b.execution.run.ID, "err", err)
		}
	}
}

func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARN"
	case level >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}

// Logger returns a logger that writes to the log of the run, as [Log] does, at
// level Info and above. Outside a run it is that of the process.
func Logger(ctx context.Context) *slog.Logger {
	s := branchFrom(ctx)
	if s == nil {
		return slog.Default()
	}
	return slog.New(&runLogHandler{ctx: ctx, attributes: attributesHandler})
}

// runLogHandler makes a log task of every record. The attributes become the
// task's params, by way of the standard library's JSON handler.
type runLogHandler struct {
	ctx        context.Context
	attributes func(io.Writer) slog.Handler
}

// logGroup keeps a record's attributes apart from its time, level and message,
// which the log task holds already.
const logGroup = "attributes"

func attributesHandler(w io.Writer) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo}).WithGroup(logGroup)
}

func (h *runLogHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *runLogHandler) Handle(ctx context.Context, record slog.Record) error {
	if branchFrom(ctx) == nil {
		ctx = h.ctx
	}
	var text bytes.Buffer
	if err := h.attributes(&text).Handle(ctx, record); err != nil {
		return err
	}
	var encoded struct {
		Attributes json.RawMessage `json:"attributes"`
	}
	if err := json.Unmarshal(text.Bytes(), &encoded); err != nil {
		return err
	}
	branchFrom(ctx).log(ctx, record.Level, record.Message, encoded.Attributes)
	return nil
}

func (h *runLogHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return &runLogHandler{ctx: h.ctx, attributes: func(w io.Writer) slog.Handler {
		return h.attributes(w).WithAttrs(attributes)
	}}
}

func (h *runLogHandler) WithGroup(name string) slog.Handler {
	return &runLogHandler{ctx: h.ctx, attributes: func(w io.Writer) slog.Handler {
		return h.attributes(w).WithGroup(name)
	}}
}
