package main

func serverOperations() []operation {
	return []operation{
		{method: "GET", path: "/live", id: "watch", summary: "What happens, as it happens",
			details: "For people who watch: best effort, and of the server process that is asked.",
			query:   []field{{"endpoint", text, "The id of an app's client to attach to: in DEVELOPMENT its schedules tick while someone is."}},
			streams: "Server-sent events: ready, then run.accepted, run.executing, run.waiting, run.ended, task.created, task.completed, task.errored, task.retrying, " +
				"notification.delivered, notification.failed, endpoint.indexed, and missed with how many were left out."},
		{method: "GET", path: "/storage", id: "getStorage", summary: "How much room the database takes", answer: shape(
			field{"bytes", count, "All of it."},
			field{"reusableBytes", count, "What of it is free, and used again before more is taken."},
		)},
		{method: "GET", path: "/set-aside", id: "listSetAside", summary: "Rows of the environment that were set aside as poison",
			details: "Five claims of each in a row were lost, as its work panicked or the server that did it ended, and nothing came of any. Up to 100 of each kind.",
			answer: shape(field{"setAside", list(shape(
				field{"kind", text, "The kind: runs, tasks, events, schedules, event_waits, notifications, endpoint_indexes or source_deliveries."},
				field{"id", text, "Of the row."},
				field{"at", instant, "When it was set aside."},
				field{"error", text, "Why."},
			)), "The rows."})},
		{method: "POST", path: "/set-aside/{kind}/{id}/release", id: "releaseSetAside", summary: "A row that was set aside as poison is due at once", answer: retried()},
		{method: "GET", path: "/doctor", id: "getHealth", summary: "What the check of the database in the background has found", answer: shape(
			field{"problems", count, "How many rows of all environments were not as they should be: zero, if all is well."},
			field{"repaired", count, "How many of them were repaired."},
			field{"setAside", count, "How many rows of all environments were set aside: events and ticks whose outcome the database refuses, and poison. runhook doctor lists them."},
			field{"rounds", count, "How often the whole database was looked at."},
			field{"completedAt?", instant, "When that was last done."},
			field{"file?", shape(
				field{"status", oneOf("unchecked", "whole", "damaged"), "What reading the whole file has found. Its write-ahead log was verified before the server started."},
				field{"checkedAt?", instant, "When that was."},
			), "The SQLite file; absent on PostgreSQL."},
			field{"failing", list(text), "The components of the server that fail now, as in /readyz. The log says why."},
		)},
	}
}
