// Package client asks a Runhook server: it starts, reads, cancels, continues and re-runs
// runs, sends events, manages subscriptions and their notifications, and registers apps.
// Jobs are written with package runhook; a program that only asks needs this one alone.
//
//	c, err := client.New(client.Config{}) // RUNHOOK_API_KEY, RUNHOOK_API_URL
//	run, err := c.Invoke(ctx, "fulfil-order", order, client.InvokeOptions{IdempotencyKey: order.ID})
//	output, err := c.WaitForRun(ctx, run.ID)
//
// # Conventions
//
// A method is a verb and what it is about: GetRun, CancelRun, SendEvent. What can be
// chosen is in a struct, whose zero value chooses nothing.
//
// A list comes in two forms. ListRuns returns a sequence, which asks for the next page
// when the loop gets there; an error is its last item, beside a nil pointer.
// PageOfRuns returns one page, and the cursor of the next.
//
//	for run, err := range c.ListRuns(ctx, client.RunFilter{Statuses: []protocol.RunStatus{protocol.RunFailure}}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(run.ID, run.Job.ID)
//	}
//
// # Errors
//
// The server's refusal is an [*APIError]; one with status 404 says that the environment
// does not have what was asked for. A run that ended without success is a [*RunError]. Any
// other error says that there was no answer, and nothing about what was asked.
//
// A request without an answer, or answered with 5xx, is repeated, up to
// [Config].MaxAttempts times, and so is one that the server was too busy for
// (429 with a Retry-After of up to ten seconds). The requests that would do their work
// twice are not repeated; their comments say so.
//
// # In a job
//
// The code of a job is executed several times. There a request that changes something
// belongs in a task (runhook.Task), so that it is made once. [Client.Invoke] and
// [Client.SendEvent] refuse the context of a run unless they are given a key that makes
// repetitions one; use runhook.Job.InvokeTask and runhook.SendEvent instead.
package client
