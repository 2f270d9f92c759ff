"use strict";

module.exports = ({ board, job, count, counted }) => {
  job("waits-for-a-request", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    const answer = await io.waitForRequest("request", async (url) => {
      count(ctx, "callback");
      board.put(ctx.run.id, url);
    }, { timeoutInSeconds: 300 });
    const after = await io.runTask("after", counted(ctx, "after", () => "after"));
    return { answer, after };
  });

  // The answer arrives before the execution that waits for it has ended.
  job("answers-its-own-request", async (payload, io, ctx) => {
    const post = (value) => async (url) => {
      count(ctx, "callback");
      await fetch(url, { method: "POST", body: JSON.stringify(value) });
    };
    const first = await io.waitForRequest("first", post({ fast: true }));
    const all = await io.parallel("all", [1, 2, 3], async (n) => io.waitForRequest("request " + n, post(n)));
    return { first, all };
  });

  job("waits-for-a-request-and-fails", async (payload, io, ctx) => {
    const wait = () => io.waitForRequest("request", async () => count(ctx, "callback"), { timeoutInSeconds: 1 });
    if (!payload.catches) return wait();
    const caught = await io.try(wait, async (error) => "caught " + error.message);
    await io.runTask("after", counted(ctx, "after"));
    return caught;
  });
};
