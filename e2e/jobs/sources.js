"use strict";

module.exports = ({ client, sdk, load, board, job }) => {
  const { z } = load("zod");
  const integration = { id: "tracker", metadata: { id: "tracker", name: "Tracker" }, authSource: "LOCAL", cloneForRun() { return this; } };

  // An external source in the older way. Its service is the tests, which find on the
  // board what it received.
  const source = new sdk.ExternalSource("HTTP", {
    id: "tracker.project",
    version: "0.1.0",
    schema: z.object({ project: z.string() }),
    optionSchema: z.object({ event: z.string().array() }),
    integration,
    key: (params) => params.project,
    filter: (params) => ({ project: [params.project] }),
    properties: (params) => [{ label: "Project", text: params.project }],
    handler: async ({ rawEvent, source }, logger) => {
      const body = await rawEvent.json();
      if (rawEvent.headers.get("x-signature") !== source.secret) return { events: [] };
      return {
        events: [{ id: body.id, name: "issue", source: "tracker", payload: { project: source.params.project, ...body } }],
        response: { status: 200, body: { ok: true } },
        metadata: { last: body.id, before: source.metadata ?? null, kept: source.data },
      };
    },
    register: async ({ source: { active, secret, url }, options, params }, io, ctx) => {
      await io.runTask("notify the service", async () => {
        board.put("registration " + params.project, { url, secret, active, events: options.event.desired, account: ctx.account ?? null });
      });
      return { data: { hook: 7 }, options: { event: options.event.desired } };
    },
  });

  const event = {
    name: "issue", title: "Issue", source: "tracker", icon: "tracker",
    parsePayload: (payload) => payload,
  };

  const input = async (payload, io, ctx) => ({ payload, source: ctx.source, account: ctx.account, job: ctx.job.id });

  const dynamic = new sdk.DynamicTrigger(client, { id: "issues", event, source });
  job("dynamic-one", input, { trigger: dynamic });
  job("dynamic-two", input, { trigger: dynamic });
  job("registers-a-trigger", async (payload, io) => {
    const registered = await dynamic.register(payload.key, { project: payload.project }, { accountId: payload.accountId });
    return { key: registered.source.key };
  });

  job("static-source", input, {
    trigger: new sdk.ExternalSourceTrigger({ event, source, params: { project: "static" }, options: {} }),
  });
};
