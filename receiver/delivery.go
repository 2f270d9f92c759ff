package receiver

import (
	"context"
	"time"
)

// Delivery is what the headers say about one attempt to deliver a notification.
type Delivery struct {
	// ID is the webhook ID, which every attempt and every resend of the same
	// notification shares. It is empty for a request that was signed by
	// X-Trigger-Signature-256 only, which [Config.AllowLegacy] accepts.
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
