"use strict";

const retry = { limit: 4, factor: 1, minTimeoutInMs: 50, randomize: false };

module.exports = ({ job, counted }) => {
  job("parallel-tasks", async (payload, io, ctx) => {
    const list = Array.from({ length: 25 }, (_, index) => index);
    const squares = await io.parallel("squares", list, async (n) =>
      io.runTask("square " + n, counted(ctx, "square", () => n * n)), { name: "Squares", params: { of: list.length } });
    const none = await io.parallel("none", [], async () => "never");
    io.yield("again");
    return { squares, none };
  });

  job("parallel-waits", async (payload, io, ctx) => {
    const results = await io.parallel("items", [0, 1, 2, 3], async (n) => {
      await io.runTask("before " + n, counted(ctx, "before " + n));
      await io.wait("wait " + n, n * 0.3);
      const after = await io.runTask("after " + n, counted(ctx, "after " + n, () => n * 10));
      await io.wait("once more " + n, 0.3);
      return after;
    });
    return results;
  });

  job("parallel-waits-deep-inside", async (payload, io, ctx) => {
    return await io.parallel("items", ["a", "b"], async (name) =>
      io.runTask("outer " + name, counted(ctx, "outer " + name, async (task, io) => {
        await io.wait("wait " + name, name === "a" ? 0.3 : 1);
        return io.runTask("inner " + name, counted(ctx, "inner " + name, () => name.toUpperCase()));
      })));
  });

  job("parallel-retries", async (payload, io, ctx) => {
    return await io.parallel("items", [1, 2, 3], async (n) => {
      const attempts = await io.runTask("item " + n, counted(ctx, "item " + n, (task) => {
        if (task.attempts < n) throw new Error(`item ${n}, attempt ${task.attempts}`);
        return task.attempts;
      }), { retry });
      if (n === 2) await io.wait("wait", 0.4);
      return attempts;
    });
  });

  job("parallel-yields", async (payload, io, ctx) => {
    return await io.parallel("items", [1, 2, 3], async (n) => {
      await io.runTask("before " + n, counted(ctx, "before " + n));
      io.yield("yield " + n);
      return io.runTask("after " + n, counted(ctx, "after " + n, () => n));
    });
  });

  job("parallel-failure", async (payload, io, ctx) => {
    return await io.parallel("items", [1, 2, 3], async (n) =>
      io.runTask("item " + n, counted(ctx, "item " + n, () => {
        if (n === 2) throw new Error("item 2 failed");
        return n;
      })));
  });

  // One item fails while another waits.
  job("parallel-failure-and-wait", async (payload, io, ctx) => {
    return await io.parallel("items", ["waits", "fails"], async (what) => {
      if (what === "waits") return io.wait("long", 3600);
      return io.runTask("fails", counted(ctx, "fails", () => { throw new Error("failed beside a wait"); }));
    });
  });

  job("parallel-failure-after-a-wait", async (payload, io, ctx) => {
    return await io.parallel("items", [1, 2], async (n) => {
      await io.wait("wait " + n, 0.3);
      return io.runTask("item " + n, counted(ctx, "item " + n, () => {
        if (n === 2) throw new Error("item 2 failed late");
        return n;
      }));
    });
  });

  job("parallel-failure-caught", async (payload, io, ctx) => {
    return await io.parallel("items", [1, 2], async (n) => io.try(
      async () => {
        await io.wait("wait " + n, 0.2);
        return await io.runTask("item " + n, counted(ctx, "item " + n, () => {
          if (n === 2) throw new Error("item 2");
          return n;
        }));
      },
      async () => "caught",
    ));
  });
};
