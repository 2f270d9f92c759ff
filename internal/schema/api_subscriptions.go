package main

import "slices"

func subscriptionOperations() []operation {
	all := optional(slices.Concat(subscriptionFields, signingFields)...)
	wanted := slices.Concat(subscriptionFields[:1], all[1:]) // the URL is required
	const secretOnce = "The answer is the only one that has the secret."
	return []operation{
		{method: "GET", path: "/subscriptions", id: "listSubscriptions", summary: "Subscriptions, oldest first", query: paged(), answer: page("subscriptions", reference("Subscription"))},
		{method: "POST", path: "/subscriptions", id: "createSubscription", summary: "Makes a subscription", details: secretOnce, body: shape(wanted...), answer: reference("Subscription")},
		{method: "POST", path: "/subscriptions/dry-run", id: "dryRunSubscription", summary: "Which of the last week's runs a subscription would have been notified of",
			details: "Nothing is kept or sent.", body: shape(all...), answer: shape(
				field{"since", instant, "Runs that were made from then on were looked at."},
				field{"examined", count, "How many runs that have ended were looked at."},
				field{"matched", count, "How many of them match."},
				field{"runs", list(shape(
					field{"runId", text, "The run's id."},
					field{"jobId", text, "The job's id."},
					field{"status", runStatus, "How it ended."},
					field{"completedAt", instant, "When it ended."},
				)), "The newest of those that match."},
				field{"complete", boolean, "False when there were more runs than are looked at."},
			)},
		{method: "GET", path: "/subscriptions/{subscription}", id: "getSubscription", summary: "A subscription", answer: reference("Subscription")},
		{method: "PATCH", path: "/subscriptions/{subscription}", id: "changeSubscription", summary: "Changes what is given of a subscription",
			details: "Its secret is changed by rotate. Switched on again, it is sent what is new.", body: shape(optional(subscriptionFields...)...), answer: reference("Subscription")},
		{method: "DELETE", path: "/subscriptions/{subscription}", id: "deleteSubscription", summary: "Removes a subscription",
			details: "What is still to be sent for it is canceled.", answer: reference("Done")},
		{method: "POST", path: "/subscriptions/{subscription}/rotate", id: "rotateSubscription", summary: "Gives a subscription another secret", details: secretOnce,
			body: shape(append(optional(signingFields...),
				field{"overlapSeconds?", between(0, 7*24*60*60), "For how long the old secrets sign beside the new one. Usually 86400, a day."})...),
			answer: reference("Subscription")},
		{method: "POST", path: "/subscriptions/{subscription}/test", id: "testSubscription", summary: "Sends a subscription the notification of a run that never was", answer: reference("Notification")},
	}
}

// optional returns fields that may all be absent.
func optional(fields ...field) []field {
	made := slices.Clone(fields)
	for i := range made {
		made[i].name += "?"
	}
	return made
}

// subscriptionFields are what a caller says of a subscription.
var subscriptionFields = []field{
	{"url", text, "The URL it is sent to."},
	{"name", text, "What people are shown."},
	{"enabled", boolean, "While false, notifications are held instead of sent."},
	{"events", list(oneOf("run.ended", "runhook.subscription.failing", "runhook.subscription.disabled")), "What it is notified of. Usually run.ended."},
	{"jobs", list(text), "Runs of these jobs only; all if absent."},
	{"statuses", list(runStatus), "Runs that end like this only; all if absent."},
	{"filter", object{{"type", []string{"object", "null"}}}, "An event filter over the payload."},
	{"headers", table(text), "Headers of the caller's own. They are kept encrypted, and returned without their values."},
	{"schedule", list(number), "Seconds before each attempt; the server's schedule if absent."},
	{"retryClientErrors", boolean, "False ends a delivery at a status of 400 to 499 other than 408, 425 and 429."},
	{"legacySignature", boolean, "True adds the header x-trigger-signature-256, made with the environment's API key. Usually false: it covers no time, so that anyone who gets it can send it again to any receiver that accepts it."},
	{"maximumConcurrency", count, "How many deliveries of each server process are in flight at the most."},
	{"maximumPerSecond", number, "How many each server process sends in a second at the most."},
}

// signingFields say what a subscription signs with.
var signingFields = []field{
	{"secret", text, "A secret of the caller's own, whsec_... or whsk_...; a new one if absent."},
	{"signature", oneOf("v1", "v1a"), "Which kind of secret to make: v1 is symmetric, v1a has a public key."},
}

func subscriptionShapes() object {
	always := []string{"url", "enabled", "events", "retryClientErrors", "legacySignature"}
	fields := []field{{"id", text, "The subscription's id."}}
	for _, f := range subscriptionFields {
		if !slices.Contains(always, f.name) {
			f.name += "?"
		}
		fields = append(fields, f)
	}
	return object{{"Subscription", shape(append(fields,
		field{"secret?", text, "Only in the answer that made it."},
		field{"keys", list(shape(
			field{"version", oneOf("v1", "v1a"), "That of its signatures."},
			field{"publicKey?", text, "What verifies them, whpk_...; only v1a has one."},
			field{"expiresAt?", instant, "Until when it signs, if another has taken its place."},
		)), "What it signs with, newest first."},
		field{"failingSince?", instant, "Since when nothing has arrived."},
		field{"disabledAt?", instant, "When it was switched off by itself."},
		field{"disabledReason?", text, "Why."},
		field{"createdAt", instant, "When it was made."},
		field{"updatedAt", instant, "When it last changed."},
	)...)}}
}
