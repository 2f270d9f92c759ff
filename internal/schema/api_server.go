package main

func serverOperations() []operation {
	return []operation{
		{method: "GET", path: "/live", id: "watch", summary: "What happens, as it happens",
			details: "For people who watch: best effort, and of the server process that is asked.",
			query:   []field{{"endpoint", text, "The id of an app's client to attach to: in DEVELOPMENT its schedules tick while somebody is."}},
			streams: "Server-sent events: ready, then run.accepted, run.executing, run.waiting, run.ended, task.created, task.completed, task.errored, task.retrying, " +
				"notification.delivered, notification.failed, endpoint.indexed, and missed with how many were left out."},
		{method: "GET", path: "/storage", id: "getStorage", summary: "How much room the database takes", answer: shape(
			field{"bytes", count, "All of it."},
			field{"reusableBytes", count, "What of it is free, and used again before more is taken."},
		)},
		{method: "GET", path: "/doctor", id: "getHealth", summary: "What the check of the database in the background has found", answer: shape(
			field{"problems", count, "How many rows of all environments were not as they should be: zero, if all is well."},
			field{"repaired", count, "How many of them were repaired."},
			field{"rounds", count, "How often the whole database was looked at."},
			field{"completedAt?", instant, "When that was last done."},
		)},
	}
}
