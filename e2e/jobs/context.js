"use strict";

module.exports = ({ job }) => {
  job("returns-its-context", async (payload, io, ctx) => {
    return { payload, ctx };
  }, { version: "2.10.3" });
};
