"use strict";

module.exports = ({ client, sdk, board, job }) => {
  const secondly = "* * * * * *";
  // What a run received with the tick that started it.
  const input = async (payload, io, ctx) => ({
    isDate: payload.ts instanceof Date && (payload.lastTimestamp === undefined || payload.lastTimestamp instanceof Date),
    isLater: payload.lastTimestamp === undefined || payload.ts > payload.lastTimestamp,
    event: ctx.event.name, source: ctx.source, account: ctx.account?.id,
  });
  // The first runs put their input on the board.
  const ticks = (id, trigger) => job(id, async (payload, io, ctx) => {
    const output = await input(payload, io, ctx);
    board.put("tick of " + id + " for " + (ctx.source.metadata?.customer ?? ""), output);
    return output;
  }, { trigger });

  ticks("ticks-by-cron", sdk.cronTrigger({ cron: secondly }));
  // The shortest interval is too long to wait for.
  ticks("ticks-by-interval", sdk.intervalTrigger({ seconds: 20 }));

  const customers = client.defineDynamicSchedule({ id: "customers" });
  ticks("ticks-for-customers", customers);

  job("registers-schedules", async ({ customer }) => {
    const options = { type: "cron", options: { cron: secondly }, accountId: customer, metadata: { customer } };
    const registered = await customers.register("key/of " + customer, options);
    await board.get("tick of ticks-for-customers for " + customer);
    const unregistered = await customers.unregister("key/of " + customer);
    return { registered, unregistered };
  });
};
