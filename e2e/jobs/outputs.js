"use strict";

const values = {
  absent: undefined,
  null: null,
  zero: 0,
  "negative zero": -0,
  "empty string": "",
  false: false,
  true: true,
  "empty array": [],
  "empty object": {},
  "nested nothing": { a: null, b: [null, undefined], c: undefined },
  text: "<script>&amp;</script> \u2028\u2029 \u{1F600} \" \\ / \n\t",
  "half a surrogate pair": "\ud800",
  "a zero byte": "a\u0000b",
  numbers: [1e21, 1e-7, 0.1 + 0.2, Number.MAX_SAFE_INTEGER, 123456789012345680000, Number.NaN],
  "odd keys": { 10: 1, 9: 2, "": 3, "a.b": 4, __proto: 5 },
  date: new Date("2024-02-29T12:34:56.789Z"),
  "text that looks like JSON": '{"a":1}',
};

module.exports = ({ job, counted }) => {
  // Tasks give the same output when they are executed and when they are
  // remembered. An array of one distinguishes undefined from null in JSON.
  job("outputs-of-tasks", async (payload, io, ctx) => {
    const outputs = {};
    for (const [name, value] of Object.entries(values)) {
      outputs[name] = await io.runTask(name, counted(ctx, name, () => value));
    }
    const fresh = await io.runTask("fresh", async () => describe(outputs));
    io.yield("again");
    return { fresh, remembered: describe(outputs), wanted: describe(roundTripped()) };
  });

  job("output-of-a-run", async (payload) => values[payload.value]);

  job("dates", async (payload, io, ctx) => {
    const date = await io.runTask("date", counted(ctx, "date", () => new Date(0)));
    io.yield("again");
    return {
      task: date,
      own: new Date(86400000),
      payload: payload.date,
      eventTimestampIsADate: ctx.event.timestamp instanceof Date,
      startedAtIsADate: ctx.run.startedAt instanceof Date,
    };
  });
};

const describe = (outputs) =>
  Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, typeof value + " " + JSON.stringify(value)]));

const roundTripped = () =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => {
    const text = JSON.stringify(value);
    return [name, text === undefined ? undefined : JSON.parse(text)];
  }));
