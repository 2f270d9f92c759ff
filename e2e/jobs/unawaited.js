"use strict";

module.exports = ({ board, job, count }) => {
  // As many published examples end.
  job("logs-without-awaiting", async (payload, io) => {
    io.logger.info("done");
    return 1;
  });

  // What it calls and does not await comes to the server after the run's end,
  // which the test requests. A rejection would end the process.
  job("does-not-await", async (payload, io, ctx) => {
    const id = ctx.run.id;
    const ended = board.get("ended " + id);
    const over = io.runTask("over the end", async () => {
      board.put("begun " + id);
      await ended;
      return "done";
    });
    await board.get("begun " + id);
    const late = async () => {
      await ended;
      await Promise.all([
        over,
        io.logger.info("late"),
        io.runTask("task", async (task, io) => {
          await io.logger.warn("inside");
          return io.runTask("child", async () => count(ctx, "child"));
        }),
        io.runTask("failing", async () => { throw new Error("fails late"); }).catch(() => {}),
        io.runTask("retried", async () => { throw new Error("fails late"); }, { retry: { limit: 1 } }).catch(() => {}),
        io.parallel("parallel", [1, 2], async (n) => io.runTask("item " + n, async () => n)),
        io.createStatus("status", { label: "Late", state: "success" }),
        io.store.run.set("key in the run's store", "late"),
        io.sendEvent("event", { id: "late-" + id, name: "nobody.listens", payload: {} }),
        io.random("random"),
        io.wait("wait", 3600),
        io.backgroundFetch("fetch", payload.url + "/number/1"),
        childJob.invoke("invoke", {}),
        childJob.invokeAndWaitForCompletion("invoke and wait", {}),
        io.waitForRequest("request", async () => null, { timeoutInSeconds: 60 }),
      ]);
      board.put("late " + id, "all");
    };
    late();
    if (payload.fails) throw new Error("fails with calls that are under way");
    return 1;
  });

  const childJob = job("is-invoked-late", async () => "child");
};
