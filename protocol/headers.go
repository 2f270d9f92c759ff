package protocol

import "strings"

// Header names of the protocol. They are compared without regard to case.
const (
	HeaderAPIKey           = "X-Trigger-Api-Key"
	HeaderAction           = "X-Trigger-Action"
	HeaderVersion          = "Trigger-Version"
	HeaderSDKVersion       = "Trigger-Sdk-Version"
	HeaderServerVersion    = "X-Trigger-Version"
	HeaderEndpointID       = "X-Trigger-Endpoint-Id"
	HeaderRunMetadata      = "X-Trigger-Run-Metadata"
	HeaderRequestTiming    = "X-Trigger-Request-Timing"
	HeaderIdempotencyKey   = "Idempotency-Key"
	HeaderCachedTaskCursor = "X-Cached-Tasks-Cursor"
)

// Header names of the requests of other services that an app is handed.
const (
	HeaderSourceKey    = "X-Ts-Key"
	HeaderSourceSecret = "X-Ts-Secret"
	// HeaderSourceParams is JSON, and so is HeaderHTTPHeaders: an object of the
	// request's headers.
	HeaderSourceParams = "X-Ts-Params"
	// HeaderSourceData and HeaderSourceMetadata are JSON that the app has left with
	// the server, HeaderSourceDynamicID names the dynamic trigger of a source.
	HeaderSourceData      = "X-Ts-Data"
	HeaderSourceMetadata  = "X-Ts-Metadata"
	HeaderSourceDynamicID = "X-Ts-Dynamic-Id"
	HeaderHTTPURL         = "X-Ts-Http-Url"
	HeaderHTTPMethod      = "X-Ts-Http-Method"
	HeaderHTTPHeaders     = "X-Ts-Http-Headers"
)

// Dated versions of the protocol. They are compared as strings.
const (
	// VersionLazyCachedTasks wraps the answer to task creation and allows
	// cached tasks to be fetched page by page.
	VersionLazyCachedTasks = "2023-09-29"
	// VersionSerializedOutput makes a completed task's output JSON text.
	VersionSerializedOutput = "2023-11-01"
)

// Action names what a server asks of an endpoint; it travels in [HeaderAction].
type Action string

// The actions an endpoint answers.
const (
	ActionPing          Action = "PING"
	ActionValidate      Action = "VALIDATE"
	ActionIndexEndpoint Action = "INDEX_ENDPOINT"
	ActionExecuteJob    Action = "EXECUTE_JOB"
	// ActionPreprocessRun is one that SDKs answer and servers, Runhook too, never
	// send.
	ActionPreprocessRun   Action = "PREPROCESS_RUN"
	ActionRunNotification Action = "RUN_NOTIFICATION"
	ActionProbeTimeout    Action = "PROBE_EXECUTION_TIMEOUT"
	// ActionDeliverWebhook hands over a request of a service with which the app has
	// registered a webhook, ActionDeliverSource one in the older way of a source,
	// ActionDeliverForResponse one to an HTTP endpoint that
	// the app answers itself.
	ActionDeliverWebhook     Action = "DELIVER_WEBHOOK_REQUEST"
	ActionDeliverSource      Action = "DELIVER_HTTP_SOURCE_REQUEST"
	ActionDeliverForResponse Action = "DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE"
)

// HeaderValue returns the values of a header that came in several lines as one:
// cookies separated by "; ", as RFC 9113, section 8.2.3, has it, others by ", ".
func HeaderValue(name string, values []string) string {
	if strings.EqualFold(name, "Cookie") {
		return strings.Join(values, "; ")
	}
	return strings.Join(values, ", ")
}
