// Package runhook is the Go SDK of Runhook: functions that survive crashes,
// deploys and waits of a month, and a signed webhook when they are done.
//
// # A job
//
// A job is a function. What it must not do twice, it does in tasks:
//
//	client := runhook.New(runhook.Config{ID: "shop"}) // RUNHOOK_API_KEY, RUNHOOK_API_URL
//
//	var fulfil = runhook.NewJob(client, "fulfil-order", "1.0.0", runhook.OnInvoke[Order](),
//		func(ctx context.Context, order Order) (Receipt, error) {
//			charge, err := runhook.Task(ctx, "charge", func(ctx context.Context) (Charge, error) {
//				return pay(ctx, order, runhook.TaskFrom(ctx).IdempotencyKey)
//			}, runhook.Retry{Limit: 5})
//			if err != nil {
//				return Receipt{}, err
//			}
//			if err := runhook.Sleep(ctx, "cool-off", 30*24*time.Hour); err != nil {
//				return Receipt{}, err
//			}
//			return Receipt{Charge: charge.ID}, nil
//		})
//
// The app serves its jobs at one URL, tells the server where that is, and
// invokes them from anywhere:
//
//	http.Handle("/api/trigger", client)
//	err := client.Register(ctx, "https://shop.example.com/api/trigger")
//	run, err := fulfil.Invoke(ctx, order, runhook.CallbackURL("https://shop.example.com/done"))
//
// [Job.Result] waits for what the run returns, where waiting is all right.
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
//	runhook.OnDynamicTrigger(pushes)           // other services, told while it runs where to send
//	runhook.OnRequest[Push](github)            // a webhook of another service
//
// Events are sent with [Client.SendEvent] or, by a job, with [SendEvent]. One event
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
// INVALID_PAYLOAD, with a list of all that is wrong. The server is told a JSON
// Schema of the payload and the output of each job. [NewJob] has the rules.
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
//   - Pass errors up. A call that cannot go on in this execution returns one for
//     which errors.Is(err, [ErrSuspended]) holds. Return it, wrapped or not: the
//     run goes on later. Code that takes it for an ordinary failure does no harm:
//     its next call returns it again, and the execution ends as suspended
//     whatever the function returns.
//   - Pass on the ctx that the function was given.
//
// Changing the code of a job changes what its waiting runs do next. Finished
// tasks keep their results as long as their keys stay.
//
// # Goroutines
//
// Tasks may run side by side, in goroutines with the ctx of their function or
// with [Parallel]. Each branch goes on as far as it can, while others wait. Give
// every branch a goroutine of its own, with keys of its own, and wait for all of
// them. A function's own goroutine counts as waiting for its branches: once one
// of them is suspended, it starts no more tasks in this execution.
//
// A group that cancels its context on the first error may be used. That a
// branch was suspended does not interrupt the others.
//
// # Guarantees
//
//   - A run that was accepted is executed until it has ended. The loss of the app
//     or the server at any moment delays it and no more.
//   - A task that has finished is never run again for its run. One that was
//     interrupted before its result was recorded is run again: its work happens
//     at least once. Services that take an idempotency key can be given that of
//     [TaskFrom].
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
// Who is told when a run ends is its [CallbackURL], and every subscription that it
// matches: [Client.CreateSubscription] makes one for some jobs, some ends and a
// filter, and [Client.DryRunSubscription] says what it would have been told of.
// Package receiver is for those who are told. [Client.ListNotifications] and
// [Client.GetNotification] show each attempt of each delivery,
// [Client.ReplayNotifications] sends again what did not arrive, and [Client.FollowFeed]
// reads the same notifications in order, without a receiver.
//
// # What outlives a run
//
// [Client.Store], [JobStore] and [RunStore] keep small values on the server. An
// [Auth] gets the credentials for the account that a run is for, afresh for each
// execution, so that they are never stored; a run without them ends as
// UNRESOLVED_AUTH.
//
// # Errors
//
// A task whose function returns an error is tried again as its [Retry] says;
// [NoRetry], [RetryAt] and [RetryAfter] let the error itself decide. A task that
// has failed for good returns a [*TaskError]. A job may handle it and go on. If
// it returns it, the run ends as FAILURE. Panics are errors, with their stack.
//
// # Tests
//
// Package runhooktest executes jobs in tests, without a server and without waiting.
//
// Servers and apps on the Node SDK of the same protocol see no difference: the
// same keys make the same tasks.
package runhook
