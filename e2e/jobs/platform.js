"use strict";

module.exports = ({ board, job, count, counted, platformAnswers }) => {
  const answers = [
    (response) => response.status(502).send("<html>Bad Gateway</html>"),
    (response) => response.status(500).json({ message: "cold start failed" }),
    (response) => response.socket.destroy(),
    (response) => response.status(429).set("Retry-After", "1").json({ message: "slow down" }),
    (response) => response.status(200).send("<html>We will be back</html>"),
  ];

  // Each execution finishes one task, and then the platform fails in another
  // way.
  job("bad-platform", async (payload, io, ctx) => {
    for (const [n, answer] of answers.entries()) {
      await io.runTask("task " + n, counted(ctx, "task " + n));
      if (count(ctx, "failure " + n) === 1) await platformAnswers(answer);
    }
    return "through";
  });

  // The platform stops the first execution, from which the server learns that
  // executions must come back in time. The tasks take longer than that together.
  job("short-executions", async (payload, io, ctx) => {
    await io.runTask("begin", counted(ctx, "begin"));
    if (count(ctx, "stopped") === 1) {
      await platformAnswers((response) => response.status(504).send("FUNCTION_INVOCATION_TIMEOUT"));
    }
    for (let n = 0; n < 12; n++) {
      await io.runTask("slow " + n, counted(ctx, "slow " + n, () => new Promise((resolve) => setTimeout(resolve, 900))));
    }
    return "through";
  });

  // The answers to these requests are lost on their way.
  job("lossy-network", async (payload, io, ctx) => {
    await board.get("start " + ctx.run.id);
    const first = await io.runTask("first", counted(ctx, "first", () => 1));
    await io.logger.info("logged");
    await io.createStatus("progress", { label: "Progress", state: "loading" });
    const nested = await io.runTask("outer", counted(ctx, "outer", async (task, io) =>
      io.runTask("inner", counted(ctx, "inner", () => 2))));
    const caught = await io.try(
      async () => await io.runTask("fails", counted(ctx, "fails", () => { throw new Error("fails"); })),
      async () => 3,
    );
    await io.wait("pause", 0.2);
    return first + nested + caught;
  });

  // The server refuses the task, as it knows no such style.
  job("refused-task", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    await io.runTask("refused", counted(ctx, "refused"), { style: { style: "loud" } });
  });
};
