"use strict";

// What a text may hold that not every database or program does.
const odd = "a\u0000b cut \ud83d";

module.exports = ({ job, counted }) => {
  job("logs-odd-characters", async (payload, io) => {
    await io.logger.info("a\u0000b");
    await io.logger.info(odd, { [odd]: odd });
    return "logged";
  });

  job("odd-characters", async (payload, io, ctx) => {
    const output = await io.runTask(odd, counted(ctx, "task", () => odd), {
      name: odd, icon: odd, description: odd, params: { [odd]: odd }, properties: [{ label: odd, text: odd }],
    });
    const status = await io.createStatus("status", { label: odd, state: "loading", data: { odd } });
    await status.update("update", { label: "a\u0000b" });
    await io.store.run.set("set", "key\u0000", odd);
    io.yield(odd);
    io.yield("\ude00 cut");
    const stored = await io.store.run.get("get", "key\u0000");
    return { same: output === odd && stored === odd, output };
  });

  job("fails-with-odd-characters", async (payload, io) => {
    await io.runTask("fails", async () => {
      throw new Error("a\u0000b");
    });
  });

  job("too-large-params", async (payload, io) => {
    return await io.try(
      () => io.runTask("large", async () => "done", { params: { text: "x".repeat(17 * 1024 * 1024) } }),
      async (error) => "caught " + error.message,
    );
  });

  job("waits-too-long", async (payload, io) => {
    return await io.try(
      async () => {
        await io.runTask("late", async () => "done", { delayUntil: new Date(8.64e15) });
        return "done";
      },
      async (error) => "caught " + error.message,
    );
  });
};
