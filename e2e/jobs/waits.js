"use strict";

module.exports = ({ load, job, counted }) => {
  const { z } = load("zod");
  const schema = z.object({ order: z.number(), at: z.coerce.date().optional() });

  job("waits-for-an-event", async (payload, io, ctx) => {
    await io.runTask("before", counted(ctx, "before"));
    const event = await io.waitForEvent("paid", {
      name: "order.paid", schema, filter: { order: [payload.order] }, accountId: payload.accountId,
    }, { timeoutInSeconds: 3600 });
    await io.runTask("after", counted(ctx, "after"));
    return { event, isDate: event.timestamp instanceof Date };
  });

  job("waits-for-events-side-by-side", async (payload, io, ctx) => {
    const name = "own." + ctx.run.id;
    const items = await io.parallel("all", [1, 2, 3], async (n) => {
      const event = await io.waitForEvent("event " + n, { name, source: "shop", filter: { n: [n] } });
      return event.payload.n;
    });
    return items;
  });

  job("waits-for-an-event-and-fails", async (payload, io) => {
    await io.waitForEvent("never", { name: "order.never" }, { timeoutInSeconds: 10 });
  });
};
