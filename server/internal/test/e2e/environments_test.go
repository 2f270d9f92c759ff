package e2e

import (
	"crypto/rand"
	"encoding/json"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// TestEveryEnvironmentHasItsOwnAppAndKey has one server with an app in each of the
// environments that are not for development. Their apps have the same jobs.
func TestEveryEnvironmentHasItsOwnAppAndKey(t *testing.T) {
	t.Parallel()
	keys := map[protocol.EnvironmentType]string{
		protocol.Production: "tr_prod_" + rand.Text(), protocol.Staging: "tr_stg_" + rand.Text(), protocol.Preview: "tr_prev_" + rand.Text(),
	}
	server := &stack{database: testpostgres.URL(t), api: newRelay(t), log: &journal{}}
	server.serve(t, "--prod-api-key="+keys[protocol.Production], "--staging-api-key="+keys[protocol.Staging],
		"--preview-api-key="+keys[protocol.Preview], "--egress-allow=127.0.0.0/8,::1/128")
	slugs := map[protocol.EnvironmentType]string{protocol.Production: "prod", protocol.Staging: "stg", protocol.Preview: "prev"}
	sdks := map[protocol.EnvironmentType]string{protocol.Production: "2.3.18", protocol.Staging: "2.3.19", protocol.Preview: "2.3.18"}
	var playing sync.WaitGroup
	runs := map[protocol.EnvironmentType]string{}
	var mu sync.Mutex
	for kind, key := range keys {
		playing.Go(func() {
			t.Run(string(kind), func(t *testing.T) {
				s := &stack{apiKey: key, database: server.database, api: server.api, log: server.log, server: server.server}
				s.app = &app{sdk: sdks[kind], log: &journal{}, relay: newRelay(t)}
				s.webhooks = receiveWebhooks(t, key)
				s.webhooks.crashed = s.crashed
				s.app.start(t, s.api.url, key)
				s.register(t)
				n := s.run(t, "returns-its-context", nil)
				wantStatus(t, n, protocol.RunSuccess)
				var got struct {
					Ctx struct {
						Environment struct{ Slug, Type string }
					}
				}
				decode(t, n.Output, &got)
				if e := got.Ctx.Environment; e.Slug != slugs[kind] || e.Type != string(kind) {
					t.Errorf("the run is in %+v, want %s", e, kind)
				}
				wantOutput(t, s.run(t, "yields", nil), `"back"`)
				mu.Lock()
				defer mu.Unlock()
				runs[kind] = n.ID
			})
		})
	}
	playing.Wait()
	for of, run := range runs {
		for kind, key := range keys {
			status, answer := request(t, "GET", server.api.url+"/api/v2/runs/"+run, key, nil)
			if found := status == 200; found != (kind == of) || !json.Valid(answer) {
				t.Errorf("a run of %s is asked for with the key of %s: answered %d %.200s", of, kind, status, answer)
			}
		}
	}
}
