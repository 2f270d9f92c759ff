// Package runhook is the Go SDK of Runhook: functions that survive crashes,
// deploys and waits of a month, and a signed webhook when they are done.
//
// # A job
//
// A job is a function. What it must not do twice, it does in tasks:
//
//	app := runhook.New(runhook.Config{ID: "shop"}) // RUNHOOK_API_KEY, RUNHOOK_API_URL
//
//	var fulfil = runhook.NewJob(app, "fulfil-order", "1.0.0", runhook.OnInvoke[Order](),
//		func(ctx context.Context, order Order) (Receipt, error) {
//			charge, err := runhook.Task(ctx, "charge", func(ctx context.Context) (Charge, error) {
//				return pay(ctx, order, runhook.CurrentTask(ctx).IdempotencyKey)
//			}, runhook.RetryPolicy{MaxAttempts: 5})
//			if err != nil {
//				return Receipt{}, err
//			}
//			if err := runhook.Sleep(ctx, "cool-off", 30*24*time.Hour); err != nil {
//				return Receipt{}, err
//			}
//			return Receipt{Charge: charge.ID}, nil
//		})
//
// The app serves its jobs at one URL, registers that URL with the server, and
// invokes jobs from anywhere:
//
//	http.Handle("/api/trigger", app)
//	err := app.Register(ctx, "https://shop.example.com/api/trigger")
//	run, err := fulfil.Invoke(ctx, order, runhook.CallbackURL("https://shop.example.com/done"))
//
// [Job.Result] waits for what the run returns, where waiting is all right. Whatever else a
// program asks of the server, package client does: it reads, lists, cancels, continues and
// re-runs runs, sends events, and manages subscriptions. [App.Client] returns one.
//
// # What starts a job
//
// The trigger of a job says what starts it and what its payload is:
//
//	runhook.OnInvoke[Order]()                  // whoever calls Job.Invoke
//	runhook.OnEvent[Payment]("order.paid")     // an event that somebody sends
//	runhook.OnCron("0 9 * * MON")              // the clock, in UTC
//	runhook.OnInterval(5 * time.Minute)        // again and again
//	runhook.OnSchedule(digests)                // schedules made while the program runs
//	runhook.OnDynamicTrigger(pushes)           // other services, registered while it runs
//	runhook.OnRequest[Push](github)            // a webhook of another service
//
// Events are sent with SendEvent of package client or, by a job, with [SendEvent]. One event
// starts every job that listens to its name and whose filter it passes; package
// filter is the language for [Where]:
//
//	runhook.OnEvent[Payment]("order.paid", runhook.Where(filter.Object{
//		"amount":   filter.AtLeast(100),
//		"customer": filter.Object{"country": filter.Is("DE", "AT")},
//	}))
//
// Events with an ID are taken once, however often they are sent.
//
// A [DynamicSchedule] holds any number of schedules, each under a key, that
// programs add and take away with Register and Unregister.
//
// A [DynamicTrigger] holds any number of registrations with another service, such as
// the repositories of users: its [ExternalSource] says how to ask the service for
// requests and how to make events of them. A registration that is always there is one
// that the program makes when it starts.
//
// An [HTTPEndpoint] is a URL of the server for others to call. The server stores
// the request before it answers; the app verifies it (package verify knows GitHub,
// Stripe, Slack and others) before the job sees it. [RespondWith] is for services
// that want an answer of the app's own.
//
// # Payloads
//
// A payload is decoded into the type that the trigger names. One that does not fit,
// lacks something or fails the type's own Validate() error ends the run as
// INVALID_PAYLOAD, with a list of all that is wrong. The server gets a JSON Schema
// of the payload and the output of each job. [NewJob] has the rules.
//
// # How it runs
//
// An invocation becomes a run, which the server stores before it answers. The
// server then executes the job: it calls the app, and the app calls the job's
// function from its first line. Every [Task] reports its result to the server.
// When the function has to wait, for a [Sleep], a retry or another run, the
// execution ends, and nothing of it stays in memory. When the wait is over, the
// server executes the job again, from the first line; tasks that have finished
// return their recorded results at once, so the function soon is where it was.
// The same happens after a crash or a deploy.
//
// # Rules for the code
//
// The function is called several times for one run, and each time must come to
// the same tasks:
//
//   - Whatever acts on the world, or may come out differently the next time (the
//     clock, random numbers, a query), belongs in a task.
//   - Every task has a key, the same on every execution. Keys are unique within
//     the function that uses them; a task inside a task has keys of its own. In a
//     loop, [Key] tells the rounds apart.
//   - Pass errors up. A call that cannot finish in this execution returns one for
//     which errors.Is(err, [ErrSuspended]) holds. Return it, wrapped or not: the
//     run resumes later. Code that takes it for an ordinary failure does no harm:
//     its next call returns it again, and the execution ends as suspended
//     whatever the function returns.
//   - Pass on the ctx that the function was given.
//
// Changing the code of a job changes what its waiting runs do next. Finished
// tasks keep their results as long as their keys stay. When the function has
// returned without asking for tasks that are on record for its run, a warning in
// the logs of the app and the server names them, and package runhooktest fails.
//
// # Goroutines
//
// Calls with one ctx are made one after the other. Code that runs side by side runs
// on branches: [Parallel] makes one for each item, and [Branch] makes one for a
// goroutine of an errgroup or a WaitGroup. Each branch runs as far as it can while
// others wait. Wait for all of them before the function returns.
//
// Calls that overlap on one ctx fail the run with an error that says so. Log messages
// may come from any goroutine.
//
// # Guarantees
//
//   - A run that was accepted is executed until it has ended. The loss of the app
//     or the server at any moment delays it and no more.
//   - A task that has finished is never run again for its run. One that was
//     interrupted before its result was recorded is run again: its work happens
//     at least once. Services that take an idempotency key can be given that of
//     [CurrentTask].
//   - Results, and the errors of failed tasks, are the same on the first
//     execution as on every later one.
//   - When a run was canceled, the ctx of its code is canceled with the cause
//     [ErrCanceled] at the next task.
//
// # Waiting for others
//
// [WaitForEvent] suspends a run until an event comes, and [WaitForRequest] until
// somebody posts to a URL made for it. Both end with [ErrTimeout] when it takes too
// long.
//
// # Completion webhooks
//
// The end of a run notifies its [CallbackURL] and every subscription that it matches:
// package client creates subscriptions for some jobs, some statuses and a filter, and lists
// the runs that one would have matched. Package receiver verifies and decodes
// notifications. Package client shows each attempt of each delivery, resends what did not
// arrive, and reads the same notifications in order, without a receiver.
//
// # What outlives a run
//
// [EnvironmentStore], [JobStore] and [RunStore] keep small values on the server. An
// [Auth] gets the credentials for the account that a run is for, afresh for each
// execution, so that they are never stored; a run without them ends as
// UNRESOLVED_AUTH.
//
// # Errors
//
// A task whose function returns an error is tried again as its [RetryPolicy] says;
// [NonRetryable], [RetryAt] and [RetryAfter] let the error itself decide. A task that
// has failed for good returns a [*TaskError]. A job may handle it and continue. If
// it returns it, the run ends as FAILURE. Panics are errors, with their stack.
//
// # Middleware
//
// [Middleware] wraps the executions of jobs and the calls of tasks, of a whole app
// ([Config]) or of one job. It can trace and measure them, and give values to the ctx of
// their code. It sees the headers of the server's request, the run, the task with its
// attempt, and how it ended.
//
// # Tests
//
// Package runhooktest executes jobs in tests, without a server and without waiting.
//
// Servers and apps on the Node SDK of the same protocol see no difference: the
// same keys make the same tasks.
package runhook
