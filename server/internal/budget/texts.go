package budget

import "context"

// Copies is how many times a text that is loaded is in memory while it is worked on: as
// the database gives it, as it is kept, and encoded for others.
const Copies = 4

// Texts bounds the bytes of texts, such as payloads, that work on rows loads: in all, and
// half of it for one environment. A text above that is loaded when no other is in
// memory. It may be used concurrently.
type Texts struct{ budget *Budget[string] }

// NewTexts returns bounds for texts that may take so many bytes of memory.
func NewTexts(memory int64) *Texts { return &Texts{New[string](memory, max(1, memory/2))} }

// Held is what one piece of work holds. The zero value of it is of no use; it is for one
// goroutine.
type Held struct {
	budget      *Budget[string]
	environment string
	amount      int64
}

// Hold returns what a piece of work for an environment holds, which is nothing at first.
func (t *Texts) Hold(environment string) *Held {
	return &Held{budget: t.budget, environment: environment}
}

// Acquire waits until texts of so many bytes may be loaded. It is to be called once,
// before they are: who waits must hold nothing. The error is that of ctx.
func (h *Held) Acquire(ctx context.Context, bytes int64) error {
	amount := bytes * Copies
	if err := h.budget.Acquire(ctx, h.environment, amount); err != nil {
		return err
	}
	h.amount += amount
	return nil
}

// Release gives back what is held. It may be called again.
func (h *Held) Release() {
	if h.amount > 0 {
		h.budget.Release(h.environment, h.amount)
		h.amount = 0
	}
}
