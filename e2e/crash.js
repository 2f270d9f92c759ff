"use strict";
// The Node app of the crash test in server/internal/test/crash: one job, "node-work",
// like that of the Go app there. It is started in the folder of the packages to
// use, with the variables TRIGGER_API_KEY and TRIGGER_API_URL, and with the file to
// write down what it does in RUNHOOK_CRASH_LEDGER. It prints "serving at ADDRESS"
// when it is ready, and serves the endpoint at /node.
const { createRequire } = require("node:module");
const crypto = require("node:crypto");
const fs = require("node:fs");
const load = createRequire(process.cwd() + "/");
const express = load("express");
const { TriggerClient, invokeTrigger } = load("@trigger.dev/sdk");
const { createMiddleware } = load("@trigger.dev/express");

const nap = 0.3; // seconds
const ledger = fs.openSync(process.env.RUNHOOK_CRASH_LEDGER, "a", 0o600);

// note appends a line to the ledger and has it on disk before it returns.
function note(what, run, key, execution) {
  fs.writeSync(ledger, `${what} ${run} ${key} ${execution}\n`);
  fs.fsyncSync(ledger);
}

const client = new TriggerClient({ id: "node-app" });

client.defineJob({
  id: "node-work",
  name: "Work",
  version: "1.0.0",
  trigger: invokeTrigger(),
  run: async (payload, io, ctx) => {
    const execution = crypto.randomUUID();
    const step = async (key, failsFirst, options) => {
      note("asked", ctx.run.id, key, execution);
      await io.runTask(key, async (task) => {
        if (failsFirst && task.attempts === 1) {
          throw new Error("fails the first time");
        }
        note("executed", ctx.run.id, key, execution);
      }, options);
      note("acknowledged", ctx.run.id, key, execution);
    };
    await step("first", false);
    await io.wait("nap", nap);
    await step("second", true, { retry: { limit: 5, minTimeoutInMs: 50, factor: 1.8, maxTimeoutInMs: 1000 } });
    return payload;
  },
});

const app = express();
app.use(createMiddleware(client, "/node"));
const server = app.listen(0, "127.0.0.1", () => console.log("serving at 127.0.0.1:" + server.address().port));
// By default Node closes connections that were silent for 5 seconds, also when it was
// itself too busy to read the request that has come meanwhile.
server.keepAliveTimeout = 600_000;
// It must not outlive a test that is killed.
process.stdin.on("end", () => process.exit(0)).resume();
