"use strict";

class OutOfStock extends Error {
  constructor() {
    super("no more apples");
    this.name = "OutOfStock";
  }
}

const throwables = {
  error: () => { throw new Error("kaboom"); },
  "own error": () => { throw new OutOfStock(); },
  "error with a cause": () => { throw new Error("outer", { cause: new Error("inner") }); },
  text: () => { throw "plain text"; },
  object: () => { throw { code: 7, reason: "odd" }; },
  "object with a message": () => { throw { message: "said so", code: 7 }; },
  null: () => { throw null; },
  undefined: () => { throw undefined; },
};

module.exports = ({ sdk, job, counted }) => {
  job("throws-in-a-task", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    await io.runTask("throws", counted(ctx, "throws", throwables[payload.what]), {
      name: "Throws", icon: "bomb", params: { what: payload.what },
    });
  });

  job("throws-outside-of-tasks", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    throwables[payload.what]();
  });

  job("throws-in-a-nested-task", async (payload, io, ctx) => {
    await io.runTask("parent", counted(ctx, "parent", async (task, io) => {
      await io.runTask("throws", counted(ctx, "throws", throwables.error));
    }));
  });

  job("catches-errors", async (payload, io, ctx) => {
    const caught = await io.try(
      async () => await io.runTask("throws", counted(ctx, "throws", throwables["own error"])),
      async (error) => ({ message: error.message, name: error.name }),
    );
    const first = await io.runTask("remember", async () => caught);
    const fine = await io.try(async () => await io.runTask("fine", counted(ctx, "fine", () => "fine")), async () => "caught");
    io.yield("again");
    const after = await io.runTask("after", counted(ctx, "after", () => "continued"));
    return { first, again: caught.message, fine, after };
  });

  job("retries", async (payload, io, ctx) => {
    const attempts = [];
    const failTwice = counted(ctx, "fails twice", (task) => {
      if (task.attempts < 3) throw new Error("attempt " + task.attempts);
      return task.attempts;
    });
    attempts.push(await io.runTask("fails twice", failTwice, {
      retry: { limit: 3, factor: 1, minTimeoutInMs: 50, maxTimeoutInMs: 100, randomize: false },
    }));
    const failOnce = counted(ctx, "fails once", (task) => {
      if (task.attempts < 2) throw "once";
      return task.attempts;
    });
    attempts.push(await io.runTask("fails once", failOnce, { retry: sdk.retry.standardBackoff }));
    return attempts;
  });

  job("retries-and-fails", async (payload, io, ctx) => {
    await io.runTask("fails", counted(ctx, "fails", (task) => { throw new Error("attempt " + task.attempts); }), {
      retry: { limit: 3, factor: 1, minTimeoutInMs: 20, randomize: false },
    });
  });

  // A retry of the parent does not execute a child again that has failed.
  job("retries-the-parent", async (payload, io, ctx) => {
    await io.runTask("parent", counted(ctx, "parent", async (task, io) => {
      await io.runTask("finished", counted(ctx, "finished"));
      await io.runTask("fails", counted(ctx, "fails", throwables.error));
    }), { retry: { limit: 3, factor: 1, minTimeoutInMs: 20, randomize: false } });
  });

  job("decides-on-errors", async (payload, io, ctx) => {
    const retry = { limit: 5, factor: 1, minTimeoutInMs: 20, randomize: false };
    const message = async (key, callback, options, onError) => io.try(
      async () => await io.runTask(key, counted(ctx, key, callback), options, onError),
      async (error) => "caught " + error.message,
    );
    return {
      skipped: await message("skips retries", throwables.error, { retry }, () => ({ skipRetrying: true })),
      replaced: await message("replaces the error", throwables.error, {}, (error) => new Error("instead of " + error.message)),
      thrown: await message("throws another", throwables.error, {}, () => { throw new Error("thrown instead"); }),
      ignored: await message("does nothing", throwables.error, {}, () => undefined),
      later: await message(
        "says when",
        (task) => (task.attempts < 3 ? throwables.error() : "attempt " + task.attempts),
        {},
        (error) => ({ retryAt: new Date(Date.now() + 50), error }),
      ),
    };
  });
};
