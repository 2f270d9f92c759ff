package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/verify"
)

type Payment struct {
	OrderID string `json:"orderId"`
	Amount  int    `json:"amount"` // cents
}

func ExampleOnEvent() {
	app := newExampleApp()
	runhook.NewJob(app, "thank", "1.0.0",
		runhook.OnEvent[Payment]("order.paid", runhook.Where(filter.Object{"amount": filter.AtLeast(10_000)})),
		func(ctx context.Context, payment Payment) (struct{}, error) {
			return struct{}{}, runhook.Do(ctx, "mail", func(context.Context) error {
				fmt.Println("thank you for", payment.OrderID)
				return nil
			})
		})

	ctx := context.Background()
	c, _ := app.Client()
	sent, err := c.SendEvent(ctx, client.Event{Name: "order.paid", Payload: Payment{"A-1", 25_000}}, client.SendOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	event, _ := c.GetEvent(ctx, sent.ID)
	fmt.Println(outcome(app, runhook.Run{ID: event.Runs[0].ID}))
	// Output:
	// thank you for A-1
	// SUCCESS
}

func ExampleSendEvent() {
	app := newExampleApp()
	job := runhook.NewJob(app, "close-order", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			sent, err := runhook.SendEvent(ctx, "tell", runhook.Event{Name: "order.closed", Payload: order},
				runhook.DeliverAfter(24*time.Hour))
			return sent.Name, err
		})
	run, _ := job.Invoke(context.Background(), Order{ID: "A-1"})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS "order.closed"
}

func ExampleWaitForEvent() {
	app := newExampleApp()
	job := runhook.NewJob(app, "ship-when-paid", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			paid, err := runhook.WaitForEvent[Payment](ctx, "payment", "order.paid", runhook.Timeout(7*24*time.Hour),
				runhook.Where(filter.Object{"orderId": filter.Is(order.ID)}))
			switch {
			case errors.Is(err, runhook.ErrTimeout):
				return "never paid", nil
			case err != nil:
				return "", err
			}
			return fmt.Sprintf("shipped for %d", paid.Payload.Amount), nil
		})

	ctx := context.Background()
	run, _ := job.Invoke(ctx, Order{ID: "A-1"})
	settle(app) // a week may pass
	exampleClient(app).SendEvent(ctx, client.Event{Name: "order.paid", Payload: Payment{"A-1", 25_000}}, client.SendOptions{})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS "shipped for 25000"
}

func ExampleWaitForRequest() {
	app := newExampleApp()
	type Answer struct {
		Approved bool `json:"approved"`
	}
	mail := make(chan string, 1)
	job := runhook.NewJob(app, "ask", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			answer, err := runhook.WaitForRequest[Answer](ctx, "approval", func(ctx context.Context, url string) error {
				return runhook.Do(ctx, "mail", func(context.Context) error {
					mail <- url // the link under "Approve"
					return nil
				})
			}, runhook.Timeout(48*time.Hour))
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s approved: %v", order.ID, answer.Approved), nil
		})

	run, _ := job.Invoke(context.Background(), Order{ID: "A-1"})
	settle(app)
	post(app, <-mail, `{"approved":true}`)
	fmt.Println(outcome(app, run))
	// Output: SUCCESS "A-1 approved: true"
}

func ExampleOnCron() {
	app := newExampleApp()
	runhook.NewJob(app, "weekly-report", "1.0.0", runhook.OnCron("0 9 * * MON"),
		func(ctx context.Context, tick runhook.Tick) (string, error) {
			return "report of " + tick.At.Format(time.DateOnly), nil
		})

	fmt.Println(outcome(app, tick(app, "", "")))
	// Output: SUCCESS "report of 2026-01-01"
}

func ExampleOnInterval() {
	app := newExampleApp()
	runhook.NewJob(app, "sync", "1.0.0", runhook.OnInterval(5*time.Minute),
		func(ctx context.Context, tick runhook.Tick) (string, error) {
			if tick.Last.IsZero() {
				return "synced everything", nil
			}
			return "synced since " + tick.Last.Format(time.DateTime), nil
		})

	fmt.Println(outcome(app, tick(app, "", "")))
	// Output: SUCCESS "synced everything"
}

func ExampleDynamicSchedule() {
	app := newExampleApp()
	digests := runhook.NewDynamicSchedule(app, "digests")
	runhook.NewJob(app, "send-digest", "1.0.0", runhook.OnSchedule(digests),
		func(ctx context.Context, tick runhook.Tick) (string, error) {
			return "digest for " + runhook.CurrentRun(ctx).Source.ID, nil
		})

	// When a user chooses how often; in a job it works the same.
	err := digests.Register(context.Background(), "ann", runhook.Every(24*time.Hour))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome(app, tick(app, "digests", "ann")))
	// Output: SUCCESS "digest for ann"
}

func ExampleOnRequest() {
	app := newExampleApp()
	type Push struct {
		Ref string `json:"ref"`
	}
	github := runhook.NewHTTPEndpoint(app, "github", verify.GitHub("It's a Secret to Everybody"))
	runhook.NewJob(app, "build", "1.0.0",
		runhook.OnRequest[Push](github, runhook.Where(filter.Request{
			Header: map[string]filter.Pattern{"X-GitHub-Event": filter.Is("push")},
		})),
		func(ctx context.Context, request runhook.Request[Push]) (string, error) {
			return "built " + request.Body.Ref, nil
		})

	run := receive(app, "github", `{"ref":"refs/heads/main"}`, map[string]string{
		"x-github-event":      "push",
		"x-hub-signature-256": "sha256=6a42699496d8c4fb346af1c930df527931a321e28ada69dbc5ee82f438517fd2",
	})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS "built refs/heads/main"
}

// Some services ask a question first, to see that the URL is the app's.
func ExampleRespondWith() {
	app := newExampleApp()
	challenge := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.FormValue("hub.challenge"))
	})
	runhook.NewHTTPEndpoint(app, "social", verify.HMAC{Secret: "secret", Header: "X-Signature"}.Verify,
		runhook.RespondWith{When: filter.Request{Method: []string{"GET"}}, Handler: challenge, SkipRuns: true})

	fmt.Println(request(app, "social", "GET", "https://runhook.test/?hub.challenge=4711"))
	// Output: 200 4711
}

func ExampleStore() {
	app := newExampleApp()
	job := runhook.NewJob(app, "import", "1.0.0", runhook.OnInvoke[struct{}](),
		func(ctx context.Context, _ struct{}) (int, error) {
			store, page := runhook.JobStore(ctx), 0
			if _, err := store.Get(ctx, "page", &page); err != nil { // where the last run stopped
				return 0, err
			}
			return page, store.Set(ctx, "page", page+10)
		})
	for range 2 {
		run, _ := job.Invoke(context.Background(), struct{}{})
		fmt.Println(outcome(app, run))
	}
	// Output:
	// SUCCESS 0
	// SUCCESS 10
}

func ExampleNewAuth() {
	app := newExampleApp()
	tokens := map[string]string{"ann": "token-of-ann"}
	calendar := runhook.NewAuth("calendar", func(ctx context.Context, run runhook.RunInfo) (string, error) {
		if run.Account == nil || tokens[run.Account.ID] == "" {
			return "", errors.New("the account has not connected its calendar")
		}
		return tokens[run.Account.ID], nil
	})
	job := runhook.NewJob(app, "book", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			return "booked with " + calendar.From(ctx), nil
		}, calendar)

	for _, account := range []string{"ann", "bob"} {
		run, _ := job.Invoke(context.Background(), Order{ID: "A-1"}, runhook.AccountID(account))
		fmt.Println(outcome(app, run))
	}
	// Output:
	// SUCCESS "booked with token-of-ann"
	// UNRESOLVED_AUTH {"calendar":{"id":"calendar","error":"the account has not connected its calendar"}}
}

// What is wrong with a payload is found before the job is called.
func ExampleNewJob_payload() {
	app := newExampleApp()
	runhook.NewJob(app, "refund", "1.0.0", runhook.OnInvoke[Refund](),
		func(ctx context.Context, refund Refund) (struct{}, error) { return struct{}{}, nil })

	for _, payload := range []string{`{"orderId":7}`, `{"orderId":"A-1","amount":-5}`} {
		fmt.Println(outcome(app, invoke(app, "refund", payload)))
	}
	// Output:
	// INVALID_PAYLOAD [{"path":["orderId"],"message":"Expected string, received number"},{"path":["amount"],"message":"Required"}]
	// INVALID_PAYLOAD [{"path":[],"message":"the amount must be positive"}]
}

type Refund struct {
	OrderID string `json:"orderId"`
	Amount  int    `json:"amount"`
	Reason  string `json:"reason,omitempty"`
}

func (r Refund) Validate() error {
	if r.Amount <= 0 {
		return errors.New("the amount must be positive")
	}
	return nil
}
