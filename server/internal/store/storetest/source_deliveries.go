package storetest

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var sourceDeliveryTests = []test{
	{"a request is kept byte for byte", keptRequest},
	{"only the first request of a source is due, and the next when that has ended", requestsInOrder},
	{"a request that is to be tried again keeps its place", retriedRequest},
	{"only the lease that a delivery was claimed with can end it", lostSourceDelivery},
	{"a delivery of a released process is due again, and still the first", releasedSourceDelivery},
}

// addRequest records a request of a source and whether it is due.
func (f *fixture) addRequest(source string, body string) (added model.SourceDelivery, isFirst bool) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		added, isFirst, err = tx.AddSourceDelivery(model.SourceDelivery{
			ID: f.id(model.PrefixDelivery), EnvironmentID: f.environment.ID, Kind: model.SourceWebhook, SourceID: source,
		}, model.IncomingRequest{URL: "http://127.0.0.1/hook?a=b", Method: "POST", Headers: map[string]string{"x-a": "1"}, Body: []byte(body)})
		return err
	})
	return added, isFirst
}

func (f *fixture) claimWithBytes(owner string) []store.ClaimedSourceDelivery {
	f.Helper()
	return write(f, func(tx *store.Tx) ([]store.ClaimedSourceDelivery, error) {
		return tx.ClaimSourceDeliveries(owner, f.environment.ID, 10)
	})
}

func (f *fixture) claimRequests(owner string) (claimed []model.SourceDelivery) {
	f.Helper()
	for _, c := range f.claimWithBytes(owner) {
		claimed = append(claimed, c.SourceDelivery)
	}
	return claimed
}

func (f *fixture) requestsOf(source string) []model.SourceDelivery {
	f.Helper()
	return read(f, func(tx *store.Tx) ([]model.SourceDelivery, error) { return tx.SourceDeliveries(source, 0, 10) })
}

func deliveryID(d model.SourceDelivery) string { return d.ID }

func keptRequest(f *fixture) {
	for i, body := range []string{"", "plain", "\x00\xff\xfe{}\r\n"} {
		added, _ := f.addRequest(fmt.Sprint("webhook_", i), body)
		got := find(f, func(tx *store.Tx) (model.IncomingRequest, bool, error) { return tx.SourceRequest(added.ID) })
		equal(f, "the body", string(got.Body), body)
		claimed := f.claimWithBytes("node_a")
		equal(f, "the deliveries that are claimed", len(claimed), 1)
		equal(f, "the bytes of the request", claimed[0].Bytes, int64(len(got.URL)+len(`{"x-a":"1"}`)+len(body)))
		equal(f, "the headers", got.Headers, map[string]string{"x-a": "1"})
		equal(f, "the address", got.Method+" "+got.URL, "POST http://127.0.0.1/hook?a=b")
	}
	missing(f, "the request of another delivery", func(tx *store.Tx) (model.IncomingRequest, bool, error) { return tx.SourceRequest("delivery_x") })
}

func requestsInOrder(f *fixture) {
	first, isFirst := f.addRequest("webhook_a", "1")
	equal(f, "whether the first is due", isFirst, true)
	second, isFirst := f.addRequest("webhook_a", "2")
	equal(f, "whether the second is due", isFirst, false)
	elsewhere, isFirst := f.addRequest("webhook_b", "1")
	equal(f, "whether the first of another source is due", isFirst, true)
	equal(f, "their numbers", []int64{first.Number, second.Number, elsewhere.Number}, []int64{1, 2, 1})

	claimed := f.claimRequests("node_a")
	equal(f, "the number of claims", len(claimed), 2)
	equal(f, "further claims", names(f.claimRequests("node_b"), deliveryID), nil)
	third, isFirst := f.addRequest("webhook_a", "3")
	equal(f, "whether one that comes during a delivery is due", isFirst, false)

	f.clock.Advance(time.Second)
	taken := first
	taken.Lease, taken.Attempts, taken.Verified, taken.Error = model.Lease{Owner: "node_a", Number: 1}, 3, true, "odd"
	f.update(func(tx *store.Tx) error { return tx.EndSourceAttempt(taken, model.SourceDeliveryTaken, time.Time{}) })
	taken.Lease.Owner, taken.Status, taken.UpdatedAt, taken.DeliveredAt = "", model.SourceDeliveryDelivered, f.clock.Now(), f.clock.Now()
	equal(f, "the first after its end", f.requestsOf("webhook_a")[0], taken)
	equal(f, "when the next is due", f.nextDue((*store.Tx).DueSourceDeliveries), f.clock.Now())

	next := f.claimRequests("node_b")
	equal(f, "the next claim", names(next, deliveryID), []string{second.ID})
	f.update(func(tx *store.Tx) error {
		return tx.EndSourceAttempt(next[0], model.SourceDeliveryAbandoned, time.Time{})
	})
	equal(f, "the claim after one that was exhausted", names(f.claimRequests("node_b"), deliveryID), []string{third.ID})
	listed := read(f, func(tx *store.Tx) ([]model.SourceDelivery, error) { return tx.SourceDeliveries("webhook_a", 1, 1) })
	equal(f, "those after the first", names(listed, deliveryID), []string{second.ID})
	equal(f, "its status", listed[0].Status, model.SourceDeliveryExhausted)
}

func retriedRequest(f *fixture) {
	first, _ := f.addRequest("webhook_a", "1")
	f.addRequest("webhook_a", "2")
	claimed := f.claimRequests("node_a")[0]
	again := f.clock.Now().Add(time.Minute)
	claimed.Attempts, claimed.Error = 1, "no answer"
	f.update(func(tx *store.Tx) error { return tx.EndSourceAttempt(claimed, model.SourceDeliveryRetried, again) })
	equal(f, "when the next is due", f.nextDue((*store.Tx).DueSourceDeliveries), again)
	equal(f, "what is due before", names(f.claimRequests("node_a"), deliveryID), nil)
	f.clock.Advance(time.Minute)
	reclaimed := f.claimRequests("node_a")
	equal(f, "what is due then", names(reclaimed, deliveryID), []string{first.ID})
	equal(f, "its error", reclaimed[0].Error, "no answer")
	equal(f, "its lease", reclaimed[0].Lease, model.Lease{Owner: "node_a", Number: 2})
}

func lostSourceDelivery(f *fixture) {
	f.addRequest("webhook_a", "1")
	claimed := f.claimRequests("node_a")[0]
	for _, lease := range []model.Lease{{Owner: "node_b", Number: 1}, {Owner: "node_a", Number: 2}} {
		lost := claimed
		lost.Lease = lease
		f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndSourceAttempt(lost, model.SourceDeliveryTaken, time.Time{}) })
	}
	f.update(func(tx *store.Tx) error { return tx.EndSourceAttempt(claimed, model.SourceDeliveryTaken, time.Time{}) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error {
		return tx.EndSourceAttempt(claimed, model.SourceDeliveryAbandoned, time.Time{})
	})
}

func releasedSourceDelivery(f *fixture) {
	first, _ := f.addRequest("webhook_a", "1")
	f.addRequest("webhook_a", "2")
	f.claimRequests("node_a")
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	equal(f, "what is due", names(f.claimRequests("node_b"), deliveryID), []string{first.ID})
}
