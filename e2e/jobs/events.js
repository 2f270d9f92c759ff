"use strict";

module.exports = ({ client, sdk, load, board, job, counted }) => {
  const { z } = load("zod");

  // What a run received with its event.
  const input = async (payload, io, ctx) => ({ job: ctx.job.id, payload, event: ctx.event, account: ctx.account, isTest: ctx.run.isTest });
  const on = (id, trigger, run = input) => job(id, run, { trigger: sdk.eventTrigger(trigger) });

  on("orders-all", { name: "order.created" });
  on("orders-large", {
    name: ["order.created", "order.changed"],
    filter: { total: [{ $gt: 100 }, { $lte: 1000 }], customer: { country: ["DE", "AT"] } },
  });
  on("orders-of-the-shop", { name: "order.created", source: "shop.example" });
  on("orders-checked", { name: "order.checked", schema: z.object({ total: z.number(), at: z.coerce.date() }) }, async (payload) => ({
    total: payload.total, isDate: payload.at instanceof Date,
  }));
  on("order-waits", { name: "order.waiting" }, async (payload, io) => {
    await io.wait("long", 3600);
  });

  job("sends-events", async (payload, io, ctx) => {
    const id = (name) => name + " of " + ctx.run.id;
    const one = await io.sendEvent("one", { id: id("one"), name: "order.created", payload: { total: 1 } });
    const two = await io.sendEvents("two", [
      { id: id("first"), name: "order.created", payload: { total: 2 } },
      { id: id("second"), name: "order.created", payload: { total: 3 } },
    ], { accountId: "customer" });
    const later = await io.sendEvent("later", { id: id("later"), name: "order.created" }, { deliverAfter: 3600 });
    const canceled = await io.cancelEvent("cancel", later.id);
    const found = await io.getEvent("found", later.id);
    return { one, two, later, canceled, found };
  });

  // A run that resumes until the test says how it ends.
  const held = async (payload, io, ctx) => {
    const status = await io.createStatus("progress", { label: "Waiting", state: "loading" });
    const how = await io.runTask("hold", counted(ctx, "hold", () => board.get("end " + payload.name)));
    if (how !== "SUCCESS") throw new Error(how);
    await status.update("done", { label: "Done", state: "success", data: { name: payload.name } });
    return { name: payload.name };
  };
  job("held", held);
  on("held-by-event", { name: "held" }, held);
};
