package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTheHistoryOfAStatusIsBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	run := openRun(s, harness.NewApp(t, s))
	for i := range 4 {
		body := fmt.Sprintf(`{"data":{"number":%d,"text":%q}}`, i, strings.Repeat("x", 600<<10))
		checkStatus(t, s.Development().Do("PUT", "/api/v1/runs/"+run+"/statuses/large", body), 200)
	}
	var response struct{ Statuses []protocol.ProgressStatus }
	s.Development().OK("GET", "/api/v2/runs/"+run+"/statuses", nil, &response)
	if large := response.Statuses[0]; len(large.History) != 1 || !strings.HasPrefix(string(large.History[0].Data), `{"number":2,`) {
		t.Errorf("the history of the large one has %d entries", len(large.History))
	}
}
