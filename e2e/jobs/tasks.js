"use strict";

module.exports = ({ sdk, job, counted }) => {
  job("logs-on-every-level", async (payload, io) => {
    await io.logger.log("plain", { level: "log" });
    await io.logger.debug("details", [1, 2]);
    await io.logger.info("news", { text: payload.text });
    await io.logger.warn("odd");
    await io.logger.error("broken", new TypeError("not a number"));
    io.yield("again");
    await io.logger.info("last");
    return "logged";
  });

  job("every-option-of-a-task", async (payload, io, ctx) => {
    const everything = await io.runTask(
      "everything",
      counted(ctx, "everything", (task) => ({
        nested: {
          name: task.name, icon: task.icon, noop: task.noop, status: task.status, attempts: task.attempts,
          description: task.description, params: task.params, properties: task.properties, style: task.style,
        },
        secret: "not hidden from code",
      })),
      {
        name: "Everything",
        icon: "star",
        description: "A task with every option",
        params: { list: [1, { deep: true }], nothing: null },
        properties: [
          { label: "Plain", text: "text" },
          { label: "Linked", text: "text", url: "https://example.com/a?b=c&d=<e>", imageUrl: ["https://example.com/i.png"] },
        ],
        style: { style: "minimal", variant: "info" },
        redact: { paths: ["secret"] },
        retry: sdk.retry.exponentialBackoff,
      },
    );
    const plain = await io.runTask(["key", { of: ["several", "parts"] }, 7], counted(ctx, "plain", (task) => ({
      name: task.name, displayKey: task.displayKey, style: task.style,
    })));
    const noop = await io.runTask("noop", counted(ctx, "noop"), { noop: true, name: "Nothing to do", params: { a: 1 } });
    io.yield("again");
    return { everything, plain, noop: noop ?? null };
  });

  job("nested-tasks", async (payload, io, ctx) => {
    const result = await io.runTask("parent", counted(ctx, "parent", async (parent, io) => {
      const first = await io.runTask("child", counted(ctx, "child", async (child, io) => {
        const deep = await io.runTask("grandchild", counted(ctx, "grandchild", (task) => ({
          below: task.parentId === child.id,
        })));
        return { deep, below: child.parentId === parent.id };
      }));
      io.yield("in between");
      const second = await io.runTask("sibling", counted(ctx, "sibling", () => "second"));
      return { first, second };
    }));
    // The same key below another parent is another task.
    const own = await io.runTask("child", counted(ctx, "child at the top", () => "own"));
    io.yield("at the end");
    return { result, own };
  });

  job("the-same-key-twice", async (payload, io) => {
    await io.runTask("one", async () => 1);
    return await io.runTask("one", async () => 2);
  });

  job("random-numbers", async (payload, io) => {
    const numbers = [
      await io.random("any"),
      await io.random("between", { min: 5, max: 6 }),
      await io.random("whole", { min: 10, max: 20, round: true }),
    ];
    const before = await io.runTask("remember", async () => numbers);
    io.yield("again");
    return { before, numbers };
  });

  job("statuses", async (payload, io, ctx) => {
    const images = await io.createStatus("images", {
      label: "Making images",
      state: "loading",
      data: { progress: 0.1, ready: [], odd: "<&> \u2028 \u{1F600}" },
    });
    await io.runTask("work", counted(ctx, "work"));
    io.yield("again");
    await images.update("half", { data: { progress: 0.5 } });
    await io.createStatus("bare", { label: "Only a label" });
    await images.update("done", { label: "Made images", state: "success", data: { progress: 1, nothing: null } });
    await images.update("empty", {});
    return "done";
  });

  // Everything that is text, with characters that some databases refuse.
  job("odd-text", async (payload, io, ctx) => {
    const odd = payload.text;
    await io.logger.info(odd, { [odd]: odd });
    const output = await io.runTask(odd, counted(ctx, "odd", () => odd), {
      name: odd, icon: odd, description: odd, params: { odd }, properties: [{ label: odd, text: odd }], style: { style: "minimal", variant: odd },
    });
    await io.createStatus("status", { label: odd, data: { odd } });
    io.yield(odd);
    const caught = await io.try(
      async () => await io.runTask("fails " + odd, counted(ctx, "fails", () => { throw new Error(odd); })),
      async () => "caught",
    );
    return { output, caught };
  });
};
