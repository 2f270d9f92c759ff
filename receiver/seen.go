package receiver

import (
	"container/list"
	"context"
	"sync"
)

// Progress is how far a notification has been handled before.
type Progress int

// What [Seen.Begin] may answer.
const (
	// Claimed means that the caller is to handle the notification now.
	Claimed Progress = iota
	// InProgress means that another delivery of it is being handled.
	InProgress
	// Handled means that it has been handled, and must not be again.
	Handled
)

// Seen remembers which notifications were handled. Its methods may be called
// at the same time.
type Seen interface {
	// Begin claims the notification called id. After it answered Claimed, End is
	// called exactly once. An error makes the receiver answer 500 without
	// calling the function.
	Begin(ctx context.Context, id string) (Progress, error)
	// End gives the claim up. handled says whether the function returned nil, so
	// that the notification must not be handled again. ctx is not canceled when
	// the sender disconnects.
	End(ctx context.Context, id string, handled bool) error
}

// Memory is a [Seen] for a single process. It forgets when the process ends.
type Memory struct {
	limit int

	mu         sync.Mutex
	inProgress map[string]struct{}
	handled    map[string]*list.Element
	oldest     *list.List // of handled ids, the oldest in front
}

var _ Seen = (*Memory)(nil)

// NewMemory returns a Memory that remembers the last limit notifications that
// were handled, 10,000 if limit is zero or less. One takes about 200 bytes.
func NewMemory(limit int) *Memory {
	if limit <= 0 {
		limit = 10_000
	}
	return &Memory{
		limit:      limit,
		inProgress: map[string]struct{}{},
		handled:    map[string]*list.Element{},
		oldest:     list.New(),
	}
}

// Begin implements [Seen]. It never fails.
func (m *Memory) Begin(_ context.Context, id string) (Progress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if element, ok := m.handled[id]; ok {
		m.oldest.MoveToBack(element) // it may well be sent again
		return Handled, nil
	}
	if _, ok := m.inProgress[id]; ok {
		return InProgress, nil
	}
	m.inProgress[id] = struct{}{}
	return Claimed, nil
}

// End implements [Seen]. It never fails.
func (m *Memory) End(_ context.Context, id string, handled bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.inProgress, id)
	if !handled {
		return nil
	}
	if _, ok := m.handled[id]; !ok {
		m.handled[id] = m.oldest.PushBack(id)
	}
	for len(m.handled) > m.limit {
		delete(m.handled, m.oldest.Remove(m.oldest.Front()).(string))
	}
	return nil
}
