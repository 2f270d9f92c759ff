"use strict";
// The app of the end-to-end tests in server/internal/test/e2e. Its jobs, in jobs/, use
// the features of the published Node SDK. It is started in the folder of the
// packages to use, app-2.3.18 or app-2.3.19, with the variables TRIGGER_API_KEY
// and TRIGGER_API_URL. It prints "listening PORT" when it is ready, and ends when
// its standard input does, so that it never outlives the tests.
//
// Besides the endpoint of the SDK it serves what the tests steer it with:
//
//   GET  /counts/:run       how often each counted function of a run was called
//   GET  /board/:name       the value of a name, as soon as it has one
//   PUT  /board/:name       gives a name its value
//   POST /client/:method    calls the SDK's client, with an array of arguments
const { createRequire } = require("node:module");
const load = createRequire(process.cwd() + "/");
const express = load("express");
const { TriggerClient } = load("@trigger.dev/sdk");
const { createMiddleware } = load("@trigger.dev/express");
const { Board } = require("./board");
const { createKit } = require("./kit");

const client = new TriggerClient({ id: "e2e-app" });
const board = new Board();
const kit = createKit({ client, load, board });

for (const file of [
  "background", "characters", "context", "errors", "events", "hooks", "ingress", "invocations", "large", "outputs", "parallel",
  "payloads", "platform", "requests", "restarts", "runs", "schedules", "sources", "stores", "suspensions", "tasks", "unawaited", "waits",
]) {
  require("./jobs/" + file)(kit);
}

const app = express();
app.use(kit.rememberResponse);
app.use(createMiddleware(client));
// strict would refuse values that are neither objects nor arrays.
app.use(express.json({ strict: false, limit: "10mb" }));

app.get("/counts/:run", (request, response) => {
  response.json(kit.countsOf(request.params.run));
});

app.get("/board/:name", async (request, response) => {
  response.json({ value: await board.get(request.params.name) });
});

app.put("/board/:name", (request, response) => {
  board.put(request.params.name, request.body.value);
  response.json({});
});

app.post("/client/:method", async (request, response) => {
  try {
    // A method of something that the client has is named with dots.
    const path = request.params.method.split(".");
    const method = path.pop();
    const owner = path.reduce((value, name) => value[name], client);
    response.json({ result: await owner[method](...request.body) });
  } catch (error) {
    response.json({ error: String(error?.message) });
  }
});

const server = app.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
// Longer than the tests keep an unused connection, so that neither side closes
// one that the other is about to use.
server.keepAliveTimeout = 120_000;
process.stdin.on("end", () => process.exit(0)).resume();
