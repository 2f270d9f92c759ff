package main

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
)

const howToVerify = `A run sends this request when it ends, whatever way it ends: to the callbackUrl that it was invoked with, and to the subscriptions that it matches.

It is signed twice. Verify one of the signatures over the bytes as they were received, in constant time, before parsing them; prefer Webhook-Signature, which also covers the time, and refuse a Webhook-Timestamp more than five minutes from your clock.

Answer with any 2xx status once the notification is safe with you. Any other status, and no answer in time, is a failure, after which the request is sent again after growing pauses. Every attempt, and every resend asked for later, carries the same Webhook-Id and the same body; only the timestamp and its signature change. Delivery is at least once and in no particular order, so remember the Webhook-Id of what you have handled. A run that is continued after it failed and ends again notifies again, under a new Webhook-Id.`

// openAPI returns the description of the server's own API, and of the webhook
// around the schema of its body.
func openAPI(notification object) object {
	return object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Runhook"},
			{"description", "Runhook's own API, and the completion webhook that it sends when a run has ended. The routes under /api/v1 and /api/v2 are the Trigger.dev v2 protocol's, for its SDKs."},
			{"version", "1.0.0"},
			{"license", object{{"name", "Apache 2.0"}, {"identifier", "Apache-2.0"}}},
		}},
		{"jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema"},
		{"security", []object{{{"key", []string{}}}}},
		{"paths", paths(ownAPI())},
		{"webhooks", object{{"runCompleted", object{{"post", object{
			{"operationId", "runCompleted"},
			{"summary", "A run has ended"},
			{"description", howToVerify},
			{"security", []object{}},
			{"parameters", headers()},
			{"requestBody", object{
				{"required", true},
				{"content", object{{"application/json", object{
					{"schema", object{{"$ref", "#/components/schemas/RunNotification"}}},
					{"examples", examples()},
				}}}},
			}},
			{"responses", responses()},
		}}}}}},
		{"components", object{
			{"schemas", append(object{{"RunNotification", notification}}, shapes()...)},
			{"responses", object{{"Error", object{
				{"description", "The request was refused, and has changed nothing."},
				{"content", object{{"application/json", object{{"schema", reference("Error")}}}}},
			}}}},
			{"securitySchemes", object{{"key", object{
				{"type", "http"}, {"scheme", "bearer"}, {"description", "The secret key of an environment (tr_...), which runhook keys shows."},
			}}}},
		}},
	}
}

func headers() []object {
	text := object{{"type", "string"}}
	header := func(name string, required bool, description string, schema object) object {
		return object{
			{"name", name}, {"in", "header"}, {"required", required},
			{"description", description}, {"schema", schema},
		}
	}
	return []object{
		header(protocol.HeaderWebhookID, true, "Identifies the notification: the same on every attempt and every resend.", text),
		header(protocol.HeaderWebhookTimestamp, true, "When this attempt was made, in seconds since 1970.",
			object{{"type", "string"}, {"pattern", "^[0-9]+$"}}),
		header(protocol.HeaderWebhookSignature, true, "One or more signatures separated by spaces, as the Standard Webhooks specification has it: "+
			`each is "v1," and the base64 of the HMAC-SHA256 of "{Webhook-Id}.{Webhook-Timestamp}.{body}". `+
			"The key is 32 bytes derived from the secret API key of the run's environment: "+
			`the HMAC-SHA256, keyed by the API key, of the text "runhook completion webhook, version 1". `+
			`Libraries that want a secret take "whsec_" and the base64 of the key.`, text),
		header(protocol.HeaderSignature, false, "The HMAC-SHA256 of the body, keyed by the secret API key of the run's environment, in bare lower-case hexadecimal. "+
			"Always sent to a callback URL; to a subscription only with legacySignature. It covers no time: do not believe it alone.",
			object{{"type", "string"}, {"pattern", "^[0-9a-f]{64}$"}}),
		header(protocol.HeaderWebhookAttempt, false, "Counts the attempts from 1. It is not signed.",
			object{{"type", "string"}, {"pattern", "^[0-9]+$"}}),
	}
}

func responses() object {
	return object{
		{"2XX", object{{"description", "The notification was received and will not be sent again unless someone asks for it. The body of the answer is not interpreted."}}},
		{"default", object{{"description", "The notification was not received. It is sent again later with the same Webhook-Id and the same body."}}},
	}
}

// examples are written by the same code as real notifications.
func examples() object {
	n := protocol.RawRunNotification{
		ID: "run_01", OK: true, Status: protocol.RunSuccess,
		Output:                json.RawMessage(`{"charge":"ch_42"}`),
		StartedAt:             exampleTime(0),
		UpdatedAt:             exampleTime(1500),
		CompletedAt:           exampleTime(1500),
		ExecutionDurationInMs: 320, ExecutionCount: 2,
		Invocation: protocol.NotificationInvocation[json.RawMessage]{
			ID: "run_01", Payload: json.RawMessage(`{"order":7}`), Timestamp: exampleTime(-20), Context: json.RawMessage(`{}`),
		},
		Job:          protocol.JobReference{ID: "fulfil-order", Version: "1.0.0"},
		Environment:  protocol.EnvironmentReference{Slug: "prod", ID: "env_01", Type: protocol.Production},
		Organization: protocol.OrganizationReference{Slug: "acme", ID: "org_01", Title: "Acme"},
		Project:      protocol.ProjectReference{Slug: "shop", ID: "proj_01", Name: "Shop"},
	}
	succeeded := protocol.EncodeRunNotification(&n)

	key, startedAt := "charge", exampleTime(100)
	n.OK, n.Status, n.Error = false, protocol.RunFailure, json.RawMessage(`{"message":"The card was declined","name":"Error"}`)
	n.Task = &protocol.NotificationTask{
		ID: "task_01", CacheKey: &key, Error: n.Error, Status: protocol.TaskErrored,
		Name: "Charge the card", StartedAt: &startedAt, Params: json.RawMessage(`{"amount":1999}`),
	}
	failed := protocol.EncodeRunNotification(&n)
	return object{
		{"succeeded", object{{"summary", "A run that succeeded"}, {"value", json.RawMessage(succeeded)}}},
		{"failed", object{{"summary", "A run that failed in a task"}, {"value", json.RawMessage(failed)}}},
	}
}

func exampleTime(milliseconds int) protocol.Time {
	return protocol.At(time.Date(2026, 1, 31, 12, 0, 0, milliseconds*int(time.Millisecond), time.UTC))
}
