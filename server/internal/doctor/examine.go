package doctor

import "github.com/runhook/runhook/server/internal/store"

// chunk is how many rows are looked at together.
const chunk = 5000

// Examine returns every row of the database for which an invariant does not hold
// at the moment that the transaction sees.
func Examine(tx *store.Tx) ([]store.Breach, error) {
	var all []store.Breach
	for _, table := range store.InvariantTables() {
		for after, more := "", true; more; {
			span, err := tx.SpanAfter(table, after, chunk)
			if err != nil {
				return nil, err
			}
			breaches, err := tx.Breaches(span)
			if err != nil {
				return nil, err
			}
			all = append(all, breaches...)
			after, more = span.Until, span.Until != ""
		}
	}
	return all, nil
}
