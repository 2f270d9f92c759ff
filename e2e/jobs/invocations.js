"use strict";

module.exports = ({ client, sdk, board, job, count, counted, platformAnswers }) => {
  const integration = {
    id: "vault", metadata: { id: "vault", name: "Vault" }, authSource: "LOCAL", cloneForRun: (io, key, auth) => ({ key, auth }),
  };
  client.defineAuthResolver(integration, async (ctx) => {
    if (ctx.account) return { type: "apiKey", token: "token of " + ctx.account.id };
    throw new Error("the vault is closed");
  });

  job("uses-the-credentials-of-an-account", async (payload, io) => ({ key: io.safe.key, auth: io.safe.auth }), { integrations: { safe: integration } });

  const children = {
    SUCCESS: job("child-success", async (payload, io, ctx) => {
      await io.runTask("work", counted(ctx, "work"));
      await io.createStatus("progress", { label: "Progress", state: "success" });
      return { got: payload, account: ctx.account?.id ?? null, context: ctx.event.context };
    }),
    FAILURE: job("child-failure", async (payload, io, ctx) => {
      await io.runTask("fails", counted(ctx, "fails", () => { throw new RangeError("the child failed"); }));
    }),
    TIMED_OUT: job("child-timed-out", async () =>
      platformAnswers((response) => response.status(504).send("Gateway Timeout"))),
    UNRESOLVED_AUTH: job("child-unresolved-auth", async () => "never", { integrations: { safe: integration } }),
    CANCELED: job("child-canceled", async (payload, io, ctx) => {
      board.put(payload.reportAs, ctx.run.id);
      await io.wait("long", 3600);
    }),
    // The app no longer has this job once the test has asked for it.
    ABORTED: job("child-aborted", async (payload, io, ctx) => {
      board.put(payload.reportAs, ctx.run.id);
      io.yield("so that the server has had an answer");
      await io.wait("long", 3600);
    }, {
      onFailure: async (notification) => board.put("onFailure " + notification.id, notification),
    }),
  };
  board.get("disable child-aborted").then(() => { children.ABORTED.options.enabled = false; });

  job("invokes-and-waits", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    const ended = await children[payload.status].invokeAndWaitForCompletion("child", payload.child, 600, payload.options);
    const after = await io.runTask("after", counted(ctx, "after", () => "after"));
    return { ended, after };
  });

  // The SDK checks the payload of invokeAndWaitForCompletion itself, so that a
  // child with an invalid one takes a task of one's own.
  job("invokes-with-an-invalid-payload", async (payload, io) => {
    return await io.runTask("child", async (task) => {
      await client.invokeJob("strict-invocation", payload, { callbackUrl: task.callbackUrl, idempotencyKey: task.idempotencyKey });
    }, { callback: { enabled: true, timeoutInSeconds: 600 } });
  });

  const strict = job("child-strict", async (payload) => payload, {
    trigger: sdk.invokeTrigger({
      schema: { safeParse: (value) => (value.fine ? { success: true, data: value } : { success: false, error: { issues: [] } }) },
    }),
  });
  job("is-refused-by-the-schema", async (payload, io) => strict.invokeAndWaitForCompletion("child", { fine: false }));

  job("stops-waiting-for-a-child", async (payload, io) => {
    return await io.try(
      async () => await children.CANCELED.invokeAndWaitForCompletion("child", { reportAs: payload.reportAs }, 1),
      async (error) => "caught " + error.message,
    );
  });

  job("invokes-a-batch", async (payload, io, ctx) => {
    const items = [0, 1, 2, 3, 4].map((n) => ({ payload: { n }, options: { accountId: "account " + n } }));
    const ended = await children.SUCCESS.batchInvokeAndWaitForCompletion("batch", items);
    const failed = await children.FAILURE.batchInvokeAndWaitForCompletion("failing", [{ payload: {} }, { payload: {} }]);
    const none = await children.SUCCESS.batchInvokeAndWaitForCompletion("none", []);
    const tooMany = await io.try(
      async () => await children.SUCCESS.batchInvokeAndWaitForCompletion("too many", Array(26).fill({ payload: {} })),
      async (error) => error.message,
    );
    return { ended: ended.map((run) => run.output), failed: failed.map((run) => run.status), none, tooMany };
  });

  job("invokes", async (payload, io, ctx) => {
    const options = { accountId: "customer 7", context: { why: "because" }, callbackUrl: payload.callbackUrl };
    const first = await children.SUCCESS.invoke("first", { n: 1 }, options);
    const again = await children.SUCCESS.invoke("again", { n: 2 }, { idempotencyKey: payload.key });
    const same = await children.SUCCESS.invoke("same", { n: 3 }, { idempotencyKey: payload.key });
    const byID = await io.runTask("by id", counted(ctx, "by id", async (task) =>
      client.invokeJob("child-success", { n: 4 }, { idempotencyKey: task.idempotencyKey })));
    io.yield("again");
    return { first: first.id, again: again.id, same: same.id, byID: byID.id };
  });
};
