package receiver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// A program that wants to hear of finished runs mounts a receiver at the path
// of its callback URL.
func ExampleNew() {
	type Order struct{ Number int }
	type Receipt struct{ Charge string }

	handler, err := receiver.New(
		receiver.Config{
			APIKey: "tr_prod_abc123", // from the environment, in a real program
			Seen:   receiver.NewMemory(0),
		},
		func(ctx context.Context, n protocol.RunNotification[Order, Receipt]) error {
			if !n.OK {
				fmt.Println("order", n.Invocation.Payload.Number, "failed:", n.RunError())
				return nil
			}
			fmt.Println("order", n.Invocation.Payload.Number, "paid by", n.Output.Charge)
			return nil
		},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/done", handler)

	fmt.Println(deliver(mux, `{"id":"run_1","ok":true,"status":"SUCCESS","output":{"Charge":"ch_1"},"invocation":{"payload":{"Number":7}}}`))
	fmt.Println(deliver(mux, `{"id":"run_2","ok":false,"status":"FAILURE","error":{"message":"card declined"},"invocation":{"payload":{"Number":8}}}`))
	// Output:
	// order 7 paid by ch_1
	// 200
	// order 8 failed: card declined
	// 200
}

// A program with its own router or framework verifies by itself.
func ExampleVerify() {
	body := []byte(`{"id":"run_1","ok":true}`)
	header := http.Header{}
	header.Set("webhook-id", "ntf_1")
	header.Set("webhook-timestamp", "1769860800")
	header.Set("webhook-signature", "v1,QwHmx0hNVs7oso12bl9XNFkLh0aSkIONjE/Xd8BlSoI=")

	config := receiver.Config{APIKey: "tr_dev_abc123", Now: func() time.Time { return time.Unix(1769860805, 0) }}
	fmt.Println(receiver.Verify(header, body, config))
	fmt.Println(receiver.Verify(header, append(body, ' '), config))
	// Output:
	// <nil>
	// the signature is wrong: no key of this receiver makes one of those in Webhook-Signature from the ID, the timestamp and the body
}

// Any output and payload can be taken as JSON text.
func ExampleNew_anyJob() {
	handler, err := receiver.New(receiver.Config{APIKey: "tr_prod_abc123"},
		func(ctx context.Context, n protocol.RunNotification[json.RawMessage, json.RawMessage]) error {
			delivery, _ := receiver.DeliveryFrom(ctx)
			fmt.Printf("%s: %s ended as %s with %s\n", delivery.ID, n.ID, n.Status, n.Output)
			return nil
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(deliver(handler, `{"id":"run_1","ok":true,"status":"SUCCESS","output":[1, 2.0]}`))
	// Output:
	// ntf_run_1: run_1 ended as SUCCESS with [1, 2.0]
	// 200
}

// deliver sends a body as a server would, and returns the status of the answer.
func deliver(handler http.Handler, body string) int {
	var run struct{ ID string }
	if err := json.Unmarshal([]byte(body), &run); err != nil {
		return 0
	}
	id, at := "ntf_"+run.ID, time.Now()
	r := httptest.NewRequest(http.MethodPost, "/done", strings.NewReader(body))
	r.Header.Set(protocol.HeaderWebhookID, id)
	r.Header.Set(protocol.HeaderWebhookTimestamp, fmt.Sprint(at.Unix()))
	r.Header.Set(protocol.HeaderWebhookSignature,
		protocol.SignWebhook(id, at, []byte(body), protocol.DerivedWebhookKey("tr_prod_abc123")))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}
