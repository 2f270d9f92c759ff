// Package schedules starts the runs of jobs again and again: at an interval, or when
// a cron expression says so (package cron).
//
// A static schedule is the trigger of a job, and [Service.JobChanged] keeps it as
// the job's latest version says. A dynamic schedule is something that jobs have as
// their trigger and that an app registers schedules with while it runs, each under
// a key; each tick of one of them starts all of those jobs.
//
// It guarantees that
//
//   - each due time of a schedule is one tick, whatever fails and however many
//     servers there are. A tick is one transaction: the event, whose id is the
//     schedule's and the time, the runs, and when it ticks next;
//   - a tick that could not be started at its time is started as soon as it can be;
//     those that would have followed until then are skipped and never made up for.
//     One that the database refuses [worker.MostRefusals] times in a row is set aside,
//     visibly, and the schedule ticks on;
//   - an interval is counted from when its schedule was first made. Indexing an app
//     or registering a schedule again moves a tick only if the schedule is another;
//   - what an app no longer has, or has disabled, does not tick. No app's index
//     touches the schedules of another.
//
// In DEVELOPMENT, schedules tick only while someone develops their app, which an
// [Attachment] says, or always if the server is configured so. Ticks of the time
// between are skipped.
package schedules
