"use strict";

const text = (length, filler = "x") => filler.repeat(length);

module.exports = ({ job, counted }) => {
  job("large-outputs", async (payload, io, ctx) => {
    const sizes = [];
    for (const [key, length, filler] of [
      ["one", 1_000_000, "a"],
      ["two", 2_000_000, "\u00e9"],
      ["three", 3 * 1024 * 1024 - 2, "<"],
    ]) {
      const output = await io.runTask(key, counted(ctx, key, () => text(length, filler)));
      sizes.push(output.length);
    }
    io.yield("again");
    return { sizes, text: text(1_000_000), payload: payload.text?.length };
  });

  job("too-large-an-output", async (payload, io, ctx) => {
    return await io.try(
      async () => (await io.runTask("too large", counted(ctx, "too large", () => text(3 * 1024 * 1024)))).length,
      async (error) => "caught " + error.message,
    );
  });

  // The outputs of the first tasks fill what the input of an execution may hold; the rest
  // is loaded in pages of 250.
  job("many-tasks", async (payload, io, ctx) => {
    let sum = 0;
    for (let n = 0; n < 4; n++) {
      sum += (await io.runTask("large " + n, counted(ctx, "large", () => ({ n: 1, text: text(900_000) })))).n;
    }
    for (let batch = 0; batch < 12; batch++) {
      const small = await io.parallel("batch " + batch, Array(25).fill(1), async (one, n) =>
        io.runTask("small " + n, counted(ctx, "small", () => one)));
      sum += small.length;
    }
    io.yield("again");
    return sum;
  });
};
