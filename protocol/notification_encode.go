package protocol

import (
	"encoding/json"
	"strconv"
)

// EncodeRunNotification returns the JSON document of n: the body that is
// frozen when a run ends, signed and delivered. Values that belong to users
// (output, error, payload, context, parameters, metadata, data of statuses)
// are copied byte for byte, whitespace included; they must be valid JSON or
// empty. Members come in the order of [RunNotification]'s fields; output is
// written only if n.OK, error and task only if not. It is safe for concurrent
// use as long as n is not changed.
func EncodeRunNotification(n *RawRunNotification) []byte {
	return AppendRunNotification(make([]byte, 0, notificationSize(n)), n)
}

// AppendRunNotification appends to dst what [EncodeRunNotification] returns.
func AppendRunNotification(dst []byte, n *RawRunNotification) []byte {
	dst = appendText(append(dst, `{"id":`...), n.ID)
	dst = strconv.AppendBool(append(dst, `,"ok":`...), n.OK)
	dst = appendText(append(dst, `,"status":`...), string(n.Status))
	dst = appendStatuses(append(dst, `,"statuses":`...), n.Progress)
	if n.OK {
		dst = appendOptional(dst, `,"output":`, n.Output)
	} else {
		dst = appendOptional(dst, `,"error":`, n.Error)
	}
	dst = appendTime(append(dst, `,"startedAt":`...), n.StartedAt)
	dst = appendTime(append(dst, `,"updatedAt":`...), n.UpdatedAt)
	dst = appendTime(append(dst, `,"completedAt":`...), n.CompletedAt)
	dst = strconv.AppendBool(append(dst, `,"isTest":`...), n.IsTest)
	dst = strconv.AppendInt(append(dst, `,"executionDurationInMs":`...), n.ExecutionDurationInMs, 10)
	dst = strconv.AppendInt(append(dst, `,"executionCount":`...), int64(n.ExecutionCount), 10)
	dst = appendInvocation(append(dst, `,"invocation":`...), &n.Invocation)
	dst = appendText(append(dst, `,"job":{"id":`...), n.Job.ID)
	dst = appendText(append(dst, `,"version":`...), n.Job.Version)
	dst = append(dst, '}')
	if !n.OK && n.Task != nil {
		dst = appendTask(append(dst, `,"task":`...), n.Task)
	}
	dst = appendPlace(dst, n)
	if n.Account != nil {
		dst = appendText(append(dst, `,"account":{"id":`...), n.Account.ID)
		dst = appendOptional(dst, `,"metadata":`, n.Account.Metadata)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendPlace writes where the run lives.
func appendPlace(dst []byte, n *RawRunNotification) []byte {
	dst = appendText(append(dst, `,"environment":{"slug":`...), n.Environment.Slug)
	dst = appendText(append(dst, `,"id":`...), n.Environment.ID)
	dst = appendText(append(dst, `,"type":`...), string(n.Environment.Type))
	dst = appendText(append(dst, `},"organization":{"slug":`...), n.Organization.Slug)
	dst = appendText(append(dst, `,"id":`...), n.Organization.ID)
	dst = appendText(append(dst, `,"title":`...), n.Organization.Title)
	dst = appendText(append(dst, `},"project":{"slug":`...), n.Project.Slug)
	dst = appendText(append(dst, `,"id":`...), n.Project.ID)
	dst = appendText(append(dst, `,"name":`...), n.Project.Name)
	return append(dst, '}')
}

func appendInvocation(dst []byte, v *NotificationInvocation[json.RawMessage]) []byte {
	dst = appendText(append(dst, `{"id":`...), v.ID)
	dst = appendRaw(append(dst, `,"payload":`...), v.Payload)
	dst = appendTime(append(dst, `,"timestamp":`...), v.Timestamp)
	dst = appendOptional(dst, `,"context":`, v.Context)
	return append(dst, '}')
}

func appendTask(dst []byte, t *NotificationTask) []byte {
	dst = appendText(append(dst, `{"id":`...), t.ID)
	dst = appendNullableText(append(dst, `,"cacheKey":`...), t.CacheKey)
	dst = appendRaw(append(dst, `,"error":`...), t.Error)
	dst = appendText(append(dst, `,"status":`...), string(t.Status))
	if t.Name != "" {
		dst = appendText(append(dst, `,"name":`...), t.Name)
	}
	dst = appendNullableText(append(dst, `,"icon":`...), t.Icon)
	if t.StartedAt != nil {
		dst = appendTime(append(dst, `,"startedAt":`...), *t.StartedAt)
	}
	dst = appendRaw(append(dst, `,"params":`...), t.Params)
	return append(dst, '}')
}

func appendStatuses(dst []byte, statuses []ProgressStatus) []byte {
	dst = append(dst, '[')
	for i := range statuses {
		s := &statuses[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"key":`...), s.Key)
		dst = appendText(append(dst, `,"label":`...), s.Label)
		if s.State != "" {
			dst = appendText(append(dst, `,"state":`...), s.State)
		}
		dst = appendOptional(dst, `,"data":`, s.Data)
		dst = appendHistory(append(dst, `,"history":`...), s.History)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendHistory(dst []byte, history []ProgressSnapshot) []byte {
	dst = append(dst, '[')
	for i := range history {
		before := len(dst)
		if history[i].Label != "" {
			dst = appendText(append(dst, `,"label":`...), history[i].Label)
		}
		if history[i].State != "" {
			dst = appendText(append(dst, `,"state":`...), history[i].State)
		}
		dst = appendOptional(dst, `,"data":`, history[i].Data)
		if len(dst) == before {
			dst = append(dst, '{')
		}
		// Every member starts with a comma; the first one's is the brace's place.
		dst[before] = '{'
		dst = append(dst, '}', ',')
	}
	if len(history) > 0 {
		dst = dst[:len(dst)-1]
	}
	return append(dst, ']')
}

func appendTime(dst []byte, t Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	return append(t.UTC().AppendFormat(append(dst, '"'), TimeLayout), '"')
}

func appendNullableText(dst []byte, text *string) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	return appendText(dst, *text)
}

func appendRaw(dst []byte, value json.RawMessage) []byte {
	if len(value) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, value...)
}

// appendOptional writes a member, or nothing if it has no value.
func appendOptional(dst []byte, name string, value json.RawMessage) []byte {
	if len(value) == 0 {
		return dst
	}
	return append(append(dst, name...), value...)
}

// notificationSize guesses the length of the document, a little too high, so
// that it is written into one allocation.
func notificationSize(n *RawRunNotification) int {
	const fixed = 1024 // names of members, times, numbers, ids, quotes
	size := fixed + len(n.Output) + len(n.Error) + len(n.Invocation.Payload) + len(n.Invocation.Context) +
		len(n.Organization.Title) + len(n.Project.Name)
	for i := range n.Progress {
		s := &n.Progress[i]
		size += 64 + len(s.Key) + len(s.Label) + len(s.Data)
		for j := range s.History {
			size += 48 + len(s.History[j].Label) + len(s.History[j].Data)
		}
	}
	if n.Task != nil {
		size += 192 + len(n.Task.Name) + len(n.Task.Error) + len(n.Task.Params)
	}
	if n.Account != nil {
		size += 32 + len(n.Account.ID) + len(n.Account.Metadata)
	}
	return size
}
