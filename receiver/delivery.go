package receiver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Delivery is what the headers say about one attempt to deliver a notification.
type Delivery struct {
	// ID is the webhook ID, which every attempt and every resend of the same
	// notification shares. It is empty for a request that was signed by
	// X-Trigger-Signature-256 only.
	ID string
	// Timestamp is when the attempt was made, or zero if ID is empty.
	Timestamp time.Time
	// Attempt counts from 1; 0 means that the sender did not say. It is not
	// signed: good for logs, not for decisions.
	Attempt int
}

type deliveryKey struct{}

// DeliveryFrom returns the delivery that the function given to [New] is being
// called for, from that function's context.
func DeliveryFrom(ctx context.Context) (Delivery, bool) {
	delivery, ok := ctx.Value(deliveryKey{}).(Delivery)
	return delivery, ok
}

func withDelivery(ctx context.Context, delivery Delivery) context.Context {
	return context.WithValue(ctx, deliveryKey{}, delivery)
}

// seenKey returns the name under which a delivery is remembered. Without a
// signed ID the body stands for itself, as every attempt carries the same bytes.
func (d Delivery) seenKey(body []byte) string {
	if d.ID != "" {
		return d.ID
	}
	sum := sha256.Sum256(body)
	return "body:" + hex.EncodeToString(sum[:])
}
