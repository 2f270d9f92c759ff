"use strict";
const { AsyncLocalStorage } = require("node:async_hooks");

// createKit returns what the jobs are made with.
function createKit({ client, load, board }) {
  const sdk = load("@trigger.dev/sdk");
  const counts = new Map();
  const responses = new AsyncLocalStorage();

  function count(ctx, name) {
    const ofRun = counts.get(ctx.run.id) ?? {};
    ofRun[name] = (ofRun[name] ?? 0) + 1;
    counts.set(ctx.run.id, ofRun);
    return ofRun[name];
  }

  return {
    client,
    sdk,
    load,
    board,

    // count counts one more call of a function of a run, and returns how many
    // there were.
    count,
    countsOf: (runID) => counts.get(runID) ?? {},

    // counted returns a task's function that counts its calls.
    counted: (ctx, name, run = () => null) => async (task, io) => {
      count(ctx, name);
      return run(task, io);
    },

    // job defines a job that can be invoked. Its executions are counted as
    // "run".
    job(id, run, options = {}) {
      return client.defineJob({
        id,
        name: "Job " + id,
        version: "1.0.0",
        trigger: sdk.invokeTrigger(),
        ...options,
        run: async (payload, io, ctx) => {
          count(ctx, "run");
          return run(payload, io, ctx);
        },
      });
    },

    rememberResponse(request, response, next) {
      responses.run(response, next);
    },

    // platformAnswers has the execution end as if the platform that the app runs
    // on had stopped it: with an answer that the SDK knows nothing of, and with
    // no further line of the job executed.
    platformAnswers(answer) {
      answer(responses.getStore());
      return new Promise(() => {});
    },
  };
}

module.exports = { createKit };
