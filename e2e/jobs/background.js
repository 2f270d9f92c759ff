"use strict";

const backoff = { strategy: "backoff", limit: 4, factor: 1, minTimeoutInMs: 50, maxTimeoutInMs: 100, randomize: false };

module.exports = ({ sdk, job, counted }) => {
  job("fetches-in-the-background", async (payload, io, ctx) => {
    const json = await io.backgroundFetch("json", payload.url + "/echo?a=b", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: sdk.redactString`Bearer ${"secret"}!` },
      body: JSON.stringify({ sent: true }),
    });
    const text = await io.backgroundFetch("text", payload.url + "/text");
    const response = await io.backgroundFetchResponse("response", payload.url + "/teapot-says-fine");
    const after = await io.runTask("after", counted(ctx, "after", () => "after"));
    io.yield("again");
    return { json, text, response: { data: response.data, status: response.status, header: response.headers["x-kind"] }, after };
  });

  job("fetches-side-by-side", async (payload, io) =>
    io.parallel("all", [1, 2, 3], async (n) => io.backgroundFetch("fetch " + n, payload.url + "/number/" + n)));

  job("fetches-again", async (payload, io) => {
    const busy = await io.backgroundFetch("busy", payload.url + "/busy", {}, { retry: { "404": backoff, "500-599": backoff } });
    const limited = await io.backgroundFetch("limited", payload.url + "/limited", {}, {
      retry: {
        "429": {
          strategy: "headers", limitHeader: "x-limit", remainingHeader: "x-remaining", resetHeader: "x-reset",
          resetFormat: "unix_timestamp_in_ms",
        },
      },
    });
    return { busy, limited };
  });

  job("fetches-and-fails", async (payload, io, ctx) => {
    const options = { retry: { "5xx": backoff }, timeout: payload.timeout };
    const fetch = () => io.backgroundFetch("fetch", payload.url, {}, options);
    if (!payload.catches) return fetch();
    const caught = await io.try(fetch, async () => "caught");
    await io.runTask("after", counted(ctx, "after"));
    return caught;
  });

  job("polls-in-the-background", async (payload, io) =>
    io.backgroundPoll("poll", {
      url: payload.url + "/progress",
      interval: 10,
      timeout: 300,
      responseFilter: { status: [200], headers: { "x-kind": [{ $startsWith: "pro" }] }, body: { status: ["done"] } },
      requestInit: { headers: { "x-asked-by": "poll" } },
    }));
};
