package main

func appOperations() []operation {
	return []operation{
		{method: "GET", path: "/jobs", id: "listJobs", summary: "Jobs, by their ids", query: paged(
			field{"slug", text, "The one with an id."},
			field{"endpoint", text, "Those of an app, by the id of its client."},
			field{"trigger", oneOf("static", "scheduled", "dynamic", "invoke"), "Those with a kind of trigger."},
			field{"status", oneOf("ACTIVE", "DISABLED"), "Those with a status."},
		), answer: page("jobs", reference("Job"))},
		{method: "GET", path: "/schedules", id: "listSchedules", summary: "Schedules, newest first", query: paged(
			field{"job", text, "Those that start runs of a job."},
			field{"dynamicSchedule", text, "Those that were registered with a dynamic schedule."},
			field{"active", boolean, "Those that tick, or that do not."},
		), answer: page("schedules", reference("Schedule"))},
		{method: "POST", path: "/schedules/{schedule}/retry", id: "retrySchedule", summary: "The tick of a schedule that was set aside is started", answer: retried()},
		{method: "POST", path: "/schedules/{schedule}/dismiss", id: "dismissTick", summary: "The tick of a schedule that was set aside is forgotten", answer: retried()},
		{method: "GET", path: "/endpoints", id: "listEndpoints", summary: "Apps, by the ids of their clients", query: keyed(), answer: page("endpoints", reference("Endpoint"))},
		{method: "DELETE", path: "/endpoints/{endpoint}", id: "removeEndpoint", summary: "Removes an app, by the id of its client",
			details: "Its jobs take no more runs, and those that have not ended are ABORTED.", answer: reference("Done")},
		{method: "GET", path: "/http-endpoints", id: "listHTTPEndpoints", summary: "HTTP endpoints that apps have or have had, by their ids", query: keyed(), answer: page("httpEndpoints", reference("HTTPEndpoint"))},
		{method: "GET", path: "/sources", id: "listSources", summary: "External sources that apps have or have had, by their keys",
			details: "A source starts runs once the app has registered it with its service. Why that failed is shown here, and when it is tried again.",
			query:   keyed(), answer: page("sources", reference("Registered"))},
		{method: "GET", path: "/webhooks", id: "listWebhooks", summary: "Webhooks that apps have or have had, by their keys",
			details: "A webhook takes requests once the app has registered it with its service. Why that failed is shown here, and when it is tried again.",
			query:   keyed(), answer: page("webhooks", reference("Registered"))},
	}
}

// retried is the answer once something that was set aside was dealt with.
func retried() object { return shape(field{"id", text, "Of the event or schedule."}) }

// keyed are the parameters of a list by key.
func keyed() []field {
	return []field{
		{"cursor", text, "Where the page begins: nextCursor of the page before. Absent for the first."},
		{"take", between(1, 50), "How many to list at the most. Usually 50."},
	}
}

func appShapes() object {
	jobStatus := oneOf("ACTIVE", "DISABLED")
	return object{
		{"Job", shape(
			field{"id", text, "The job's id."},
			field{"name", text, "What people are shown."},
			field{"internal", boolean, "Whether it is one that the SDK made for itself."},
			field{"version", text, "The version that new runs take."},
			field{"status", jobStatus, "Whether it takes new runs."},
			field{"endpoint", text, "The id of the app's client."},
			field{"trigger", anything, "What starts its runs."},
			field{"concurrencyLimit?", anything, "How many of its runs may be executed at once, or the group that says so."},
			field{"versions", list(shape(
				field{"version", text, "The version."},
				field{"status", jobStatus, "Whether it takes new runs."},
				field{"latest", boolean, "Whether new runs take it."},
			)), "All versions that are known."},
		)},
		{"Schedule", shape(
			field{"id", text, "The schedule's id."},
			field{"job?", text, "The job whose trigger it is."},
			field{"dynamicSchedule?", text, "What it was registered with, if it is no job's trigger."},
			field{"key?", text, "The key that it was registered under."},
			field{"endpoint", text, "The id of the app's client."},
			field{"schedule", object{{"type", "object"}, {"properties", object{{"type", oneOf("cron", "interval")}, {"options", object{{"type", "object"}}}}}, {"required", []string{"type", "options"}}}, "When it ticks."},
			field{"metadata?", anything, "What comes with each tick."},
			field{"accountId?", text, "The account that its runs are for."},
			field{"active", boolean, "Whether it ticks."},
			field{"lastTick", orNull(instant), "When it last did."},
			field{"nextTick", orNull(instant), "When it does next."},
			field{"createdAt", instant, "When it was registered."},
			field{"updatedAt", instant, "When it last changed."},
			field{"setAside?", shape(
				field{"at", instant, "When that was."},
				field{"error", text, "Why the database refused the last try."},
				field{"tick?", instant, "When the tick was due."},
			), "The last tick that was not started, as the database refused what it starts ten times in a row."},
		)},
		{"Endpoint", shape(
			field{"id", text, "The endpoint's id."},
			field{"slug", text, "The id of the app's client."},
			field{"url", text, "Where the app is called."},
			field{"version", text, "The version of the protocol that it speaks."},
			field{"sdkVersion", text, "The version of its SDK."},
			field{"indexHook", text, "The path to call, without a key, when the app was deployed."},
			field{"createdAt", instant, "When it was registered."},
			field{"updatedAt", instant, "When it last changed."},
			field{"lastIndex?", shape(
				field{"id", text, "Its id."},
				field{"endpointId", text, "The endpoint that was asked."},
				field{"createdAt", instant, "When it was asked for."},
				field{"updatedAt", instant, "When it last changed."},
				field{"source", oneOf("API", "INTERNAL", "HOOK"), "Who asked for it."},
				field{"sourceData", anything, "What they said beside."},
				field{"reason", orNull(text), "Why."},
				field{"status", oneOf("PENDING", "STARTED", "SUCCESS", "FAILURE"), "The outcome."},
				field{"stats", anything, "What was found, if it succeeded."},
				field{"error", anything, "Why it failed."},
				field{"movedFrom?", text, "Where the app was before, if it redirected to another URL of its origin, which is its URL since."},
			), "The outcome of the last indexing of the app."},
		)},
		{"Registered", shape(
			field{"key", text, "Its key in the app."},
			field{"dynamicTrigger?", text, "The dynamic trigger that it was registered with."},
			field{"dynamicKey?", text, "The key that it was registered under with that."},
			field{"endpoint", text, "The id of the app's client."},
			field{"listed", boolean, "Whether the app has it now."},
			field{"active", boolean, "Whether it is registered with its service. Before, what comes for it is dropped."},
			field{"attempts", count, "How often in a row the app was asked to register it."},
			field{"error?", text, "Why it could not be registered."},
			field{"nextAttempt?", instant, "When the app is asked again."},
		)},
		{"HTTPEndpoint", shape(
			field{"id", text, "The id that the app gave it."},
			field{"url", text, "Where other services reach it."},
			field{"source", text, "Whose requests it takes."},
			field{"active", boolean, "Whether it takes requests."},
		)},
	}
}
