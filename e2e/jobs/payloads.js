"use strict";

module.exports = ({ load, sdk, job, counted }) => {
  const { z } = load("zod");
  const schema = z.object({
    name: z.string().min(2),
    count: z.number().int().default(7),
    day: z.coerce.date(),
    tags: z.array(z.object({ text: z.string() })).optional(),
  });
  const run = async (payload, io, ctx) => {
    await io.runTask("work", counted(ctx, "work"));
    io.yield("again");
    return { ...payload, isDate: payload.day instanceof Date };
  };
  job("strict-invocation", run, { trigger: sdk.invokeTrigger({ schema }) });
  job("strict-event", run, { trigger: sdk.eventTrigger({ name: "strict.event", schema }) });
  job("echoes", async (payload) => payload);
};
