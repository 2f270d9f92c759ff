package main

import "slices"

func notificationOperations() []operation {
	return []operation{
		{method: "GET", path: "/notifications", id: "listNotifications", summary: "The delivery log: notifications, newest first", query: paged(
			field{"run", text, "Those of a run."},
			field{"subscription", text, "Those of a subscription."},
			field{"status", oneOf("PENDING", "DELIVERED", "EXHAUSTED", "HELD", "RECORDED", "failed"), "Those with a status, in any case; failed are the EXHAUSTED, the dead letters."},
		), answer: page("notifications", reference("Notification"))},
		{method: "GET", path: "/notifications/feed", id: "readFeed", summary: "Notifications in an order that never changes",
			details: "Nothing appears before a cursor that was handed out, so a receiver that was down continues from its last. " +
				"With Accept: text/event-stream it is streamed as it grows; it continues after Last-Event-ID, or after, and without either begins with what is new.",
			query: []field{
				{"after", text, "A cursor to continue after; absent for the beginning."},
				{"limit", between(1, 50), "How many to read at the most. Usually 20."},
				{"subscription", text, "Only those of a subscription."},
				{"ends", boolean, "Each end of a run once, also of runs without a destination: such ends are recorded while a reader asks for them, and for a minute after."},
			},
			answer: shape(
				field{"items", list(reference("FeedItem")), "What comes next."},
				field{"cursor", text, "Where to continue, whether there were items or not."},
				field{"more", boolean, "Whether there may be more by now."},
			),
			streams: "Server-sent events: ready, then notification, whose data is a FeedItem and whose id is its cursor."},
		{method: "POST", path: "/notifications/replay", id: "replayNotifications", summary: "All that one destination or subscription did not get is sent again",
			details: "Each with its id, its bytes, and the whole schedule.", body: shape(
				field{"destination?", text, "A URL, of which the origin counts. Either this or subscription."},
				field{"subscription?", text, "The id of a subscription."},
				field{"since", instant, "Those made from a time on."},
				field{"until?", instant, "Those made before a time."},
				field{"status?", oneOf("failed", "held"), "Those that were exhausted, or held while their subscription was off. Usually failed."},
			), answer: shape(field{"replayed", count, "How many are sent again."})},
		{method: "GET", path: "/notifications/{notification}", id: "getNotification", summary: "A notification with its attempts", query: []field{
			{"attemptCursor", count, "Where the page of attempts begins: nextAttemptCursor of the page before."},
			{"attemptTake", between(1, 200), "How many attempts to show at the most. Usually 200."},
		}, answer: reference("NotificationDetails")},
		{method: "POST", path: "/notifications/{notification}/resend", id: "resendNotification", summary: "Sends a notification again at once",
			details: "With the same id and bytes, beside its schedule. Answered with 409 while it is being sent.", answer: reference("Notification")},
	}
}

// notificationFields are what every list has of a notification.
var notificationFields = []field{
	{"id", text, "Its id: the header Webhook-Id of every attempt."},
	{"kind", oneOf("run.ended", "runhook.subscription.failing", "runhook.subscription.disabled", "runhook.test"), "What it is about."},
	{"runId?", text, "The run whose end it reports."},
	{"runStatus?", runStatus, "How that ended."},
	{"sequence", count, "Which end of the run, from 1."},
	{"supersededAt?", instant, "When a later end of the run made it history."},
	{"subscriptionId?", text, "The subscription that it is for."},
	{"url?", text, "The URL it is sent to."},
	{"endpointId?", text, "The endpoint of the app whose own handlers it is for, in place of a URL."},
	{"status", oneOf("PENDING", "DELIVERED", "EXHAUSTED", "HELD", "RECORDED"), "PENDING: it is to be sent. DELIVERED: a receiver answered 2xx. EXHAUSTED: all its attempts failed. HELD: its subscription is off. RECORDED: it has no destination, and is only read from the feed."},
	{"attemptCount", count, "How often it was sent."},
	{"createdAt", instant, "When it was made."},
	{"updatedAt", instant, "When it last changed."},
	{"deliveredAt?", instant, "When it was delivered."},
	{"nextAttemptAt?", instant, "When it is sent next."},
}

func notificationShapes() object {
	message := append(slices.Clone(notificationFields),
		field{"payload", anything, "What it says: a RunNotification, or a notice about another subscription."},
		field{"body", text, "The payload as it is sent, byte for byte in UTF-8: what the signatures are over."},
	)
	return object{
		{"Notification", shape(notificationFields...)},
		{"NotificationDetails", shape(append(slices.Clone(message), field{"attempts", list(reference("Attempt")), "The attempts, oldest first."},
			field{"nextAttemptCursor?", text, "Where the next page of attempts begins; absent at the end."})...)},
		{"FeedItem", shape(append(slices.Clone(message),
			field{"cursor", text, "Where to continue after this."},
			field{"headers?", table(text), "The headers, in lower case, that a delivery of it made now would be signed with: what verifies a webhook verifies the item by these and body. Absent if its subscription was deleted."},
		)...)},
		{"Attempt", shape(
			field{"number", count, "Which attempt, from 1."},
			field{"cause", oneOf("schedule", "resend"), "Why it was made."},
			field{"startedAt", instant, "When it was made."},
			field{"durationInMs", count, "How long it took."},
			field{"status?", count, "The status that was answered."},
			field{"response?", text, "The first 4 KiB of the answer."},
			field{"error?", text, "Why it was not delivered."},
			field{"nextAttemptAt?", instant, "When the next was to be."},
			field{"retryAfterInMs?", count, "How long the receiver asked to be left alone."},
			field{"requestHeaders?", table(text), "What was sent, without the values of a subscription's own headers."},
		)},
	}
}
