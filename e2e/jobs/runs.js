"use strict";

module.exports = ({ client, board, job, counted }) => {
  job("asks-about-runs", async (payload, io, ctx) => {
    await io.createStatus("progress", { label: "Progress", state: "loading" });
    await io.runTask("parent", async (task, io) => {
      await io.runTask("child", async () => "below");
      return "above";
    });
    const ask = (key, ask) => io.runTask(key, counted(ctx, key, ask));
    const own = await ask("own", () => client.getRun(ctx.run.id, { subtasks: true, taskdetails: true }));
    const statuses = await ask("statuses", () => client.getRunStatuses(ctx.run.id));
    const runs = await ask("runs", () => client.getRuns(ctx.job.id, { take: 50 }));
    const unknown = await ask("unknown", () => client.getRun("no-such-run").catch((error) => error.message));
    return { own, statuses, listed: runs.runs.some((run) => run.id === ctx.run.id), unknown };
  });

  job("is-canceled-at-a-task", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    await io.runTask("holds", counted(ctx, "holds", async () => {
      board.put("holding " + ctx.run.id);
      await board.get("release " + ctx.run.id);
    }));
    await io.runTask("after", counted(ctx, "after"));
  });

  job("cancels-itself", async (payload, io, ctx) => {
    await io.runTask("cancel", counted(ctx, "cancel", async () => (await client.cancelRun(ctx.run.id)).status));
    await io.runTask("after", counted(ctx, "after"));
  });

  job("cancels-others", async (payload, io, ctx) => {
    const one = await io.runTask("one", async () => client.cancelRun(payload.run));
    const all = await io.runTask("all", async () => client.cancelRunsForJob("is-canceled-with-its-job"));
    return { one: one.status, all };
  });

  job("is-canceled-with-its-job", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    board.put("waiting " + ctx.run.id);
    await io.wait("long", 3600);
  });
};
