"use strict";

module.exports = ({ job }) => {
  const value = { list: [1, "zwei", null], text: "<&> 😀", large: 9007199254740991 };

  job("keeps-values", async (payload, io) => {
    const did = {};
    for (const scope of ["env", "job", "run"]) {
      const store = io.store[scope];
      const key = "a key/" + payload.name;
      did[scope] = [
        await store.has(["has none", scope], key),
        (await store.get(["get none", scope], key)) ?? null,
        await store.set(["set", scope], key, value),
        await store.has(["has", scope], key),
        await store.get(["get", scope], key),
      ];
      if (scope !== "env") {
        did[scope].push(await store.delete(["delete", scope], key), await store.delete(["delete again", scope], key));
      }
    }
    return did;
  });

  job("keeps-too-much", async (payload, io) => {
    await io.store.job.set("set", "large", "x".repeat(256 * 1024));
  });
};
