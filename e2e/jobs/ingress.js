"use strict";

module.exports = ({ client, sdk, load, board, job }) => {
  const { z } = load("zod");

  const signed = (request, secret) =>
    sdk.verifyRequestSignature({ request, headerName: "x-shop-signature", secret, algorithm: "sha256" });

  // Requests that start runs, once the app has found them to be genuine.
  const shop = client.defineHttpEndpoint({
    id: "shop", source: "shop.example", verify: (request) => signed(request, "the shop's secret"),
  });
  const input = async (request, io, ctx) => ({
    method: request.method, path: new URL(request.url).pathname, query: new URL(request.url).search,
    header: request.headers.get("x-shop"), body: await request.text(), event: ctx.event.name,
  });
  job("shop-all", input, { trigger: shop.onRequest() });
  job("shop-paid", input, { trigger: shop.onRequest({ filter: { body: { type: ["paid"] } } }) });

  // Requests that the app answers itself.
  const asked = (id, respondWith) => {
    const endpoint = client.defineHttpEndpoint({ id, source: "asked.example", verify: async () => ({ success: true }), respondWith });
    job(id + "-runs", input, { trigger: endpoint.onRequest() });
  };
  asked("asked", {
    skipTriggeringRuns: true,
    filter: { method: ["GET"], query: { "hub.mode": ["subscribe"] } },
    handler: async (request) =>
      new Response(new URL(request.url).searchParams.get("hub.challenge"), { status: 200, headers: { "x-answered-by": "the app" } }),
  });
  asked("echo", {
    filter: { method: ["POST"] },
    handler: async (request, verify) => {
      const { success } = await verify();
      const body = await request.text();
      if (body === "nothing") return new Response(null, { status: 204 });
      return new Response(`${success} ${body}`, { status: body === "refused" ? 403 : 200 });
    },
  });

  // A webhook that the app registers by itself with a service, which is the board.
  const integration = { id: "fake-service", metadata: { id: "fake-service", name: "Fake service" }, authSource: "LOCAL", cloneForRun: () => integration };
  const source = new sdk.WebhookSource({
    id: "fake-service", version: "1.0.0", integration,
    schemas: { params: z.object({ account: z.string() }), config: z.record(z.array(z.string())) },
    key: (params) => params.account,
    crud: {
      create: async ({ io, ctx }) => {
        await io.runTask("create", async () => board.put("webhook of " + ctx.params.account, ctx));
      },
      delete: async () => {},
    },
    verify: ({ request, ctx }) => signed(request, ctx.secret),
    generateEvents: async ({ request, client, ctx }) => {
      const sent = await request.json();
      await client.sendEvent({ id: sent.id, name: "service.event", source: "fake-service", payload: { ...sent, account: ctx.params.account } });
    },
  });
  job("service-events", async (payload, io, ctx) => ({ job: ctx.job.id, payload }), {
    trigger: new sdk.WebhookTrigger({
      source, params: { account: "acme" }, config: { event: ["sold"] },
      event: { name: "service.event", title: "Service event", source: "fake-service", icon: "webhook", parsePayload: (payload) => payload },
    }),
  });
};
