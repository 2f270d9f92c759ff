package main

import "slices"

func runOperations() []operation {
	return []operation{
		{method: "GET", path: "/runs", id: "listRuns", summary: "Runs, newest first",
			details: "A page may have fewer runs than asked for and still a nextCursor: what is rare is looked for a piece at a time.",
			query: paged(
				field{"job", text, "Those of a job, by its id."},
				field{"status", text, "Those with a status; may be given several times, or several with commas."},
				field{"test", boolean, "Only tests, or none."},
				field{"from", instant, "Those made from a time on."},
				field{"to", instant, "Those made before a time."},
			), answer: page("runs", reference("Run"))},
		{method: "POST", path: "/runs", id: "invokeBatch", summary: "Runs of several invocations, all of them or none",
			details: "Up to 100 invocations, in one transaction: when one of them is refused, there is no new run. An idempotency key that was used before stands for the run that it started then.",
			body:    shape(field{"runs", list(batchItem()), "The invocations."}),
			answer:  shape(field{"runs", list(reference("RunID")), "A run for each invocation, in their order."})},
		{method: "GET", path: "/runs/{run}", id: "getRun", summary: "Everything about a run", query: []field{
			{"taskCursor", text, "Where the page of tasks begins: nextTaskCursor of the page before."},
			{"taskTake", between(1, 1000), "How many tasks to return at the most. Usually 200."},
		}, answer: reference("RunDetails")},
		{method: "GET", path: "/runs/{run}/why", id: "whyRun", summary: "What a run waits for at this moment",
			details: "A sentence for people, and the facts that it is made of. Facts that do not matter to it are absent.", answer: reference("Why")},
		{method: "POST", path: "/runs/{run}/continue", id: "continueRun", summary: "A run that ended without success is continued from where it failed",
			details: "Tasks that have completed keep their results. When it ends again, it notifies again.", answer: reference("RunID")},
		{method: "POST", path: "/runs/{run}/rerun", id: "rerun", summary: "A new run of the same version of the job, with the same payload", answer: reference("RunID")},
		{method: "POST", path: "/jobs/{job}/test", id: "testJob", summary: "A new run that is marked as a test", body: object{
			{"type", "object"}, {"properties", object{
				{"payload", anything}, {"context", anything}, {"options", object{{"type", "object"}, {"properties", object{{"accountId", text}}}}},
			}},
		}, answer: reference("RunID")},
		{method: "GET", path: "/events", id: "listEvents", summary: "Events that were sent, newest first", query: paged(
			field{"name", text, "Those of a name."},
			field{"source", text, "Those of a source."},
			field{"since", instant, "Those recorded from a time on."},
			field{"until", instant, "Those recorded before a time."},
			field{"test", boolean, "Only tests, or none."},
			field{"delivered", boolean, "Only those that were delivered, or that were not yet."},
			field{"setAside", boolean, "Only those that were set aside, or all others."},
		), answer: page("events", reference("Event"))},
		{method: "POST", path: "/events/{event}/retry", id: "retryEvent", summary: "An event that was set aside is delivered at once", answer: retried()},
	}
}

// batchItem is an invocation of a batch.
func batchItem() object {
	return shape(
		field{"job", text, "The id of the job."},
		field{"idempotencyKey?", text, "Makes invocations with the same key one."},
		field{"payload?", anything, "What the job is invoked with; an empty object if it is absent."},
		field{"context?", anything, "What travels with the run beside its payload."},
		field{"options?", shape(
			field{"accountId?", text, "The account that the run is for."},
			field{"callbackUrl?", text, "Where its end is sent, beside subscriptions."},
			field{"timeToLiveInSeconds?", number, "How long it may wait to begin, from when it is due."},
			field{"startAt?", instant, "The earliest time that it is executed."},
			field{"startAfterInSeconds?", number, "How long from now that is."},
		), "How it is invoked."},
	)
}

// runFields are what every list has of a run.
var runFields = []field{
	{"id", text, "The run's id."},
	{"job", shape(field{"id", text, "The job's id."}, field{"version", text, "The version that the run is of."}), "What it is a run of."},
	{"status", runStatus, "How far it is, or how it ended."},
	{"isTest", boolean, "Whether it is a test."},
	{"event", shape(field{"id", text, "By which its sender knows it."}, field{"name", text, "Its name."}), "What started it."},
	{"accountId?", text, "The account that it is for."},
	{"callbackUrl?", text, "Where its end is sent, beside subscriptions."},
	{"executionCount", count, "How often the app was asked to execute it."},
	{"executionDurationInMs", count, "How long the job's code ran in all."},
	{"createdAt", instant, "When it was accepted."},
	{"startedAt", orNull(instant), "When it was first executed."},
	{"completedAt", orNull(instant), "When it ended."},
	{"updatedAt", instant, "When it last changed."},
	{"durationInMs?", count, "From its start to its end."},
}

func runShapes() object {
	details := slices.Clone(runFields)
	details[4] = field{"event", shape(
		field{"id", text, "By which its sender knows it."},
		field{"name", text, "Its name."},
		field{"source", text, "Where it came from."},
		field{"payload", anything, "What it carried."},
		field{"context", anything, "What came with it."},
		field{"timestamp", instant, "When it happened."},
		field{"isTest", boolean, "Whether it is a test."},
	), "What started it."}
	details = append(details,
		field{"output?", anything, "What the job returned."},
		field{"error?", anything, "Why the run failed."},
		field{"failedTaskId?", text, "The task whose error ended it."},
		field{"tasksNotAsked?", shape(
			field{"count", count, "How many there are, as far as is known."},
			field{"tasks", list(shape(field{"id", text, "Its id."}, field{"name", text, "The beginning of its display key, or else of its name."})), "The first 20 of them."},
		), "Tasks on record that its code had not asked for when it returned: it was changed while the run was under way, or does not come to the same tasks each time."},
		field{"account?", shape(field{"id", text, "Its id."}, field{"metadata?", anything, "What is kept with it."}), "The account that it is for."},
		field{"endpoint", text, "The id of the app's client."},
		field{"tasks", list(reference("Task")), "Its tasks in the order they were made."},
		field{"nextTaskCursor?", text, "Where the next page of tasks begins; absent at the end."},
		field{"why?", reference("Why"), "What it waits for at this moment; absent once it has ended."},
		field{"statuses", list(reference("RunStatus")), "The progress statuses that it set."},
		field{"notifications", list(reference("Notification")), "What was sent of its end, newest first."},
	)
	status := []field{
		{"label?", text, "What people are shown."},
		{"state?", oneOf("loading", "success", "failure"), "How far it is."},
		{"data?", anything, "Data that the job's code attached."},
	}
	return object{
		{"Run", shape(runFields...)},
		{"RunDetails", shape(details...)},
		{"Task", taskShape()},
		{"Why", whyShape()},
		{"RunStatus", shape(append(slices.Clone(status),
			field{"key", text, "The key that the job's code gave it."},
			field{"history", list(shape(status...)), "What it was before, oldest first."},
		)...)},
		{"Event", shape(
			field{"id", text, "By which its sender knows it."},
			field{"name", text, "Its name."},
			field{"source", text, "Where it came from."},
			field{"accountId?", text, "The account that it is about."},
			field{"isTest", boolean, "Whether it is a test."},
			field{"timestamp", instant, "When it happened."},
			field{"deliverAt", instant, "When it is delivered to jobs."},
			field{"deliveredAt", orNull(instant), "When they were."},
			field{"cancelledAt", orNull(instant), "When it was taken back."},
			field{"createdAt", instant, "When it was recorded."},
			field{"updatedAt", instant, "When it last changed."},
			field{"runCount", count, "How many runs it started."},
			field{"setAside?", shape(
				field{"at", instant, "When that was."},
				field{"error", text, "Why the database refused the last try."},
			), "Present while it is not delivered, as the database refused what it starts ten times in a row."},
		)},
	}
}

func taskShape() object {
	return shape(
		field{"id", text, "The task's id."},
		field{"parentId?", text, "The task that it is a part of."},
		field{"displayKey?", text, "The key that the job's code gave it."},
		field{"name", text, "What people are shown."},
		field{"icon?", text, "The name of its icon."},
		field{"description?", text, "What it does."},
		field{"status", taskStatus, "How far it is."},
		field{"noop", boolean, "Whether it has nothing to do but to wait."},
		field{"operation?", text, "What the server does for it."},
		field{"params?", anything, "What it was given, without what it redacts."},
		field{"properties?", anything, "What people are shown of its parameters."},
		field{"outputProperties?", anything, "What people are shown of its output."},
		field{"output?", anything, "What it returned, without what it redacts."},
		field{"error?", anything, "Why it failed."},
		field{"context?", anything, "What came with it."},
		field{"style?", anything, "How it is shown."},
		field{"startedAt", instant, "When it was made."},
		field{"completedAt", orNull(instant), "When it ended."},
		field{"delayUntil?", instant, "Until when it was to wait."},
		field{"dueAt?", instant, "When it resumes by itself."},
		field{"attempts", count, "How often it was tried."},
		// The newest 100, see docs/api.md.
		field{"failedAttempts?", list(shape(
			field{"number", count, "Which attempt, from 1."},
			field{"error", text, "Why it failed."},
			field{"failedAt", instant, "When it did."},
			field{"retryAt", instant, "When the next was to be."},
		)), "Those that another followed."},
	)
}
