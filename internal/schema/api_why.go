package main

// whyCodes are the words for what a run or a task waits for.
var whyCodes = []string{
	"ended", "executing", "server-silent", "set-aside", "environment-off", "app-removed", "job-disabled", "not-due", "app-fails", "server-lost", "put-off",
	"concurrency-limit", "queued", "delay", "retry", "callback", "event", "child-run", "operation", "working", "group", "stuck",
}

// whyShape is what a run waits for.
func whyShape() object {
	setAside := shape(
		field{"at", instant, "When that was."},
		field{"reason", text, "How its last worker ended."},
		field{"kind", text, "The kind of the row, by which and by whose id it is released."},
		field{"id", text, "Its id."},
	)
	return shape(
		field{"run", text, "The run's id."},
		field{"at", instant, "The moment of which all of this is true."},
		field{"code", oneOf(whyCodes...), "The reason in a word."},
		field{"sentence", text, "The reason in a sentence, for people."},
		field{"notes?", list(text), "Sentences about what else matters."},
		field{"until?", instant, "When it moves by itself at the latest."},
		field{"wokenBy", list(shape(
			field{"kind", oneOf("server", "app", "task", "room", "person"), "A server that takes it, the answer of its app, a change of a task, room under a limit, or somebody who has to do something."},
			field{"id?", text, "The task, or the run that gives up its room."},
			field{"at?", instant, "When it does at the latest, as far as that is known."},
		)), "All that can move it, besides somebody who ends it."},
		field{"limit?", shape(
			field{"name?", text, "The id of a limit that jobs share; absent for a job's own."},
			field{"maximum", count, "How many runs may have room under it."},
			field{"inFlight", count, "How many have."},
			field{"holders", list(shape(field{"run", text, "The run's id."}, field{"since", instant, "Since when."})), "The first 10 of those, the longest first."},
			field{"ahead", count, "How many runs wait for room before this one; 10000 stands for as many or more."},
		), "The concurrency limit under which it needs room."},
		field{"queue?", shape(
			field{"ahead", count, "How many runs of its environment are due before it."},
			field{"atLeast?", boolean, "Set when there may be more."},
			field{"perMinute", count, "How many runs of the environment began in the last minute."},
			field{"minutes?", count, "About how long it takes at that rate; absent where none began."},
			field{"inFlight", count, "How many executions of its app are under way."},
		), "Who is before it."},
		field{"app?", shape(
			field{"id", text, "The id of the app's client."},
			field{"failingSince?", instant, "Since when it does not answer as it should, as far as the server knows that is asked."},
			field{"error?", text, "How it failed last."},
			field{"attempt?", count, "Which attempt is next."},
			field{"attempts?", count, "How many there are until the run fails."},
		), "The app that executes it."},
		field{"server?", shape(
			field{"node", text, "The id of the server process."},
			field{"since", instant, "Since when it has the run."},
			field{"lastSign?", instant, "Its last sign of life; absent for the only server of a SQLite file."},
		), "The server that has it."},
		field{"setAside?", setAside, "Present when it was set aside, as each try ended its server."},
		field{"tasks?", list(shape(
			field{"id", text, "The task's id."},
			field{"name", text, "The key that the job's code gave it, or else its name."},
			field{"status", taskStatus, "How far it is."},
			field{"code", oneOf(whyCodes...), "What it waits for, in a word."},
			field{"sentence", text, "The same in a sentence, for people."},
			field{"since", instant, "When it was made."},
			field{"until?", instant, "When it continues by itself at the latest."},
			field{"attempts", count, "How often it was tried."},
			field{"event?", shape(
				field{"names", list(text), "Its names, of which one is enough."},
				field{"source", text, "Its source."},
				field{"payloadFilter?", anything, "What its payload must be like."},
				field{"contextFilter?", anything, "What its context must be like."},
				field{"arrived?", boolean, "Set when it came, and is on its way to the task."},
			), "The event that it waits for."},
			field{"child?", shape(
				field{"run", text, "The run's id."},
				field{"job", text, "The id of its job."},
				field{"status", runStatus, "How far it is."},
				field{"why?", reference("Why"), "What that waits for; absent for one that has ended, and below two levels."},
			), "The run whose end completes it."},
			field{"setAside?", setAside, "Present when it was set aside, as each try ended its server."},
		)), "The first 20 tasks that have not ended, in the order they were made."},
		field{"moreTasks?", boolean, "Set when there are more."},
	)
}
