"use strict";

module.exports = ({ board, job, counted }) => {
  // Finishes tasks of every kind, then holds in the middle of one until it is
  // released.
  job("holds-in-the-middle", async (payload, io, ctx) => {
    const done = [];
    done.push(await io.runTask("first", counted(ctx, "first", () => 1)));
    await io.wait("pause", 0.3);
    done.push(await io.runTask("outer", counted(ctx, "outer", async (task, io) =>
      io.runTask("inner", counted(ctx, "inner", () => 2)))));
    done.push(...(await io.parallel("parallel", [3, 4], async (n) => {
      await io.wait("pause " + n, 0.2);
      return io.runTask("item " + n, counted(ctx, "item " + n, () => n));
    })));
    await io.createStatus("progress", { label: "Progress", state: "loading" });
    done.push(await io.runTask("holds", counted(ctx, "holds", async () => {
      board.put("holding " + ctx.run.id);
      await board.get("release " + ctx.run.id);
      return 5;
    })));
    await io.wait("at the end", 0.2);
    done.push(await io.runTask("last", counted(ctx, "last", () => 6)));
    return done;
  });

  job("waits-through-a-restart", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    await io.wait("pause", 8);
    await io.runTask("after", counted(ctx, "after"));
  });

  job("steps", async (payload, io, ctx) => {
    for (let n = 0; n < payload.steps; n++) {
      await io.runTask("step " + n, counted(ctx, "step " + n, () => new Promise((resolve) => setTimeout(resolve, 25))));
      if (n === 5) board.put("stepping " + ctx.run.id);
    }
    return "walked";
  });
};
