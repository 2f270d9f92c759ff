package runs

import (
	"strconv"
	"testing"

	"github.com/runhook/runhook/protocol"
)

func TestTheHistoryOfAStatusKeepsTheNewestEntries(t *testing.T) {
	t.Parallel()
	var history []protocol.ProgressSnapshot
	for i := range mostHistory + 5 {
		history = append(history, protocol.ProgressSnapshot{Label: strconv.Itoa(i)})
	}
	if kept := keptHistory(history, mostHistoryBytes); len(kept) != mostHistory || kept[0].Label != "5" {
		t.Errorf("%d are kept, from %s on", len(kept), kept[0].Label)
	}
	if kept := keptHistory(history[:3], mostHistoryBytes); len(kept) != 3 {
		t.Errorf("%d of 3 are kept", len(kept))
	}
}
