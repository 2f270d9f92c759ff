"use strict";

module.exports = ({ job, counted }) => {
  job("waits", async (payload, io, ctx) => {
    const now = (key) => io.runTask(key, counted(ctx, key, () => Date.now()));
    const start = await now("start");
    await io.wait("one", 1);
    const middle = await now("middle");
    await io.runTask("inside", counted(ctx, "inside", async (task, io) => {
      await io.runTask("before", counted(ctx, "inside before"));
      await io.wait("half", 0.5);
      await io.runTask("after", counted(ctx, "inside after"));
    }));
    const end = await now("end");
    await io.wait("not at all", 0);
    await io.wait("less than nothing", -1);
    return { first: middle - start, second: end - middle };
  });

  job("a-delayed-task", async (payload, io, ctx) => {
    const start = await io.runTask("start", async () => Date.now());
    const at = new Date(start + 800);
    const ran = await io.runTask("later", counted(ctx, "later", () => Date.now()), { delayUntil: at });
    return { late: ran - start };
  });

  job("waits-long", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    await io.wait("long", 3600);
    await io.runTask("after", counted(ctx, "after"));
  });

  job("yields", async (payload, io, ctx) => {
    await io.runTask("first", counted(ctx, "first"));
    io.yield("one");
    await io.runTask("second", counted(ctx, "second"));
    io.brb("two");
    await io.runTask("third", counted(ctx, "third"));
    io.yield("three");
    return "back";
  });
};
