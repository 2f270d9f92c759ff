// Loaded before the CLI, which tells its makers how it is used: tests talk to this
// machine only.
const dns = require("node:dns");

const lookup = dns.lookup;

dns.lookup = (hostname, options, callback) => {
  const done = callback ?? options;
  if (hostname === "localhost" || hostname === "127.0.0.1" || hostname === "::1") {
    return lookup(hostname, options, callback);
  }
  const refused = new Error(`tests do not look up ${hostname}`);
  refused.code = "ENOTFOUND";
  process.nextTick(done, refused);
};
