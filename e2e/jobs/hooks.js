"use strict";

module.exports = ({ client, sdk, load, board, job, platformAnswers }) => {
  // The first of these names has a letter too many in the SDK.
  client.on("runSucceeeded", (notification) => board.put("runSucceeded " + notification.id, notification));
  client.on("runFailed", (notification) => board.put("runFailed " + notification.id, notification));

  const hooks = {
    onSuccess: async (notification) => board.put("onSuccess " + notification.id, notification),
    onFailure: async (notification) => board.put("onFailure " + notification.id, notification),
  };
  const integration = {
    id: "empty-vault", metadata: { id: "empty-vault", name: "Empty vault" }, authSource: "LOCAL", cloneForRun: () => ({}),
  };
  client.defineAuthResolver(integration, async () => undefined);

  job("hooks-success", async (payload, io) => {
    await io.createStatus("progress", { label: "Progress", state: "success", data: { n: 1 } });
    return { payload };
  }, hooks);
  job("hooks-failure", async (payload, io) => {
    await io.runTask("fails", async () => { throw new Error("the hook's run failed"); });
  }, hooks);
  job("hooks-canceled", async (payload, io, ctx) => {
    io.yield("so that the server has had an answer");
    await io.wait("long", 3600);
  }, hooks);
  job("hooks-timed-out", async (payload, io) => {
    io.yield("so that the server has had an answer");
    await platformAnswers((response) => response.status(504).send("Gateway Timeout"));
  }, hooks);
  job("hooks-invalid-payload", async () => "never", {
    ...hooks,
    trigger: sdk.invokeTrigger({ schema: load("zod").z.object({ needed: load("zod").z.string() }) }),
  });
  job("hooks-unresolved-auth", async () => "never", { ...hooks, integrations: { safe: integration } });

  // A handler that throws is called again.
  const calls = new Map();
  job("hooks-that-throw", async () => "done", {
    onSuccess: async (notification) => {
      const times = (calls.get(notification.id) ?? 0) + 1;
      calls.set(notification.id, times);
      if (times === 1) throw new Error("not now");
      board.put("called again " + notification.id, String(times));
    },
  });
};
