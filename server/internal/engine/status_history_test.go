package engine

import (
	"strconv"
	"testing"

	"github.com/runhook/runhook/protocol"
)

func TestTheHistoryOfAStatusKeepsTheNewestEntries(t *testing.T) {
	t.Parallel()
	var history []protocol.RunStatusSnapshot
	for i := range mostHistory + 5 {
		history = append(history, protocol.RunStatusSnapshot{Label: strconv.Itoa(i)})
	}
	if kept := keptHistory(history); len(kept) != mostHistory || kept[0].Label != "5" {
		t.Errorf("%d are kept, from %s on", len(kept), kept[0].Label)
	}
	if kept := keptHistory(history[:3]); len(kept) != 3 {
		t.Errorf("%d of 3 are kept", len(kept))
	}
}
