// Verifies a completion webhook with nothing but Node 18 or later.
//
//   verify(headers, rawBody, { apiKey: "tr_..." })          sent to a callback URL
//   verify(headers, rawBody, { secret: "whsec_..." })       sent to a subscription
//   verify(headers, rawBody, { publicKey: "whpk_..." })     sent to one with an asymmetric key
//
// verify returns the webhook's id, which is the same each time the webhook is sent,
// or throws a WebhookError with the reason. headers are Node's request.headers or a
// Fetch Headers object; rawBody is a Buffer, a Uint8Array or a string with the
// bytes as they came, never parsed JSON.
import crypto from "node:crypto";

const label = "runhook completion webhook, version 1";
const ed25519Prefix = Buffer.from("302a300506032b6570032100", "hex");
const toleranceSeconds = 300;

export class WebhookError extends Error {}

export function verify(headers, rawBody, keys, now = Date.now() / 1000) {
  const key = readKey(keys);
  const body = readBody(rawBody);
  const id = readHeader(headers, "webhook-id");
  const timestamp = readHeader(headers, "webhook-timestamp");
  const signatures = readHeader(headers, "webhook-signature");
  if (id.includes(".")) throw new WebhookError("webhook-id holds a dot");
  if (!/^[0-9]{1,12}$/.test(timestamp)) throw new WebhookError("webhook-timestamp is not in seconds since 1970");
  if (!(Math.abs(now - Number(timestamp)) <= toleranceSeconds)) {
    throw new WebhookError("webhook-timestamp is more than 5 minutes from the clock");
  }
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const made = signatures.split(" ").some((signature) => {
    const [version, encoded, more] = signature.split(",");
    return version === key.version && more === undefined && key.made(decode(encoded), signed);
  });
  if (!made) throw new WebhookError(`no ${key.version} signature in webhook-signature was made by this key over this body`);
  return id;
}

// readKey takes exactly one key. An empty one, such as a variable that is not set,
// is refused, as anyone can sign with an empty key.
function readKey({ apiKey, secret, publicKey } = {}) {
  const given = [apiKey, secret, publicKey].filter((key) => key !== undefined && key !== null);
  if (given.length !== 1 || typeof given[0] !== "string") {
    throw new WebhookError("give exactly one of apiKey, secret and publicKey, a string");
  }
  if (apiKey !== undefined && apiKey !== null) {
    if (!/^tr_[a-z]+_[A-Za-z0-9]{20,}$/.test(apiKey)) throw new WebhookError("apiKey is not a secret API key, which is like tr_prod_ and 20 or more characters");
    return symmetric(crypto.createHmac("sha256", apiKey).update(label).digest());
  }
  if (secret !== undefined && secret !== null) {
    const key = secret.startsWith("whsec_") ? decode(secret.slice("whsec_".length)) : undefined;
    if (!key || key.length < 24 || key.length > 64) throw new WebhookError("secret is not whsec_ and the Base64 of 24 to 64 bytes");
    return symmetric(key);
  }
  const raw = publicKey.startsWith("whpk_") ? decode(publicKey.slice("whpk_".length)) : undefined;
  if (!raw || raw.length !== 32) throw new WebhookError("publicKey is not whpk_ and the Base64 of 32 bytes");
  const key = crypto.createPublicKey({ key: Buffer.concat([ed25519Prefix, raw]), format: "der", type: "spki" });
  return { version: "v1a", made: (given, signed) => given?.length === 64 && crypto.verify(null, signed, key, given) };
}

function symmetric(key) {
  return {
    version: "v1",
    made: (given, signed) => {
      const expected = crypto.createHmac("sha256", key).update(signed).digest();
      return given?.length === expected.length && crypto.timingSafeEqual(given, expected);
    },
  };
}

function readBody(rawBody) {
  if (typeof rawBody === "string" || rawBody instanceof Uint8Array) return Buffer.from(rawBody);
  if (rawBody instanceof ArrayBuffer) return Buffer.from(rawBody);
  throw new WebhookError("rawBody must be the bytes as they came: a Buffer, a Uint8Array or a string");
}

function readHeader(headers, name) {
  let values = [];
  if (typeof headers?.get === "function") {
    const value = headers.get(name);
    if (value !== null && value !== undefined) values = [value];
  } else {
    for (const [key, value] of Object.entries(headers ?? {})) {
      if (key.toLowerCase() === name && value !== undefined && value !== null) values = values.concat(value);
    }
  }
  if (values.length !== 1 || typeof values[0] !== "string" || values[0] === "") {
    throw new WebhookError(values.length > 1 ? `the header ${name} is there more than once` : `the header ${name} is missing`);
  }
  return values[0];
}

// decode returns the bytes of strict Base64, or undefined; Buffer.from alone passes
// over what is not Base64.
function decode(text) {
  if (typeof text !== "string" || text === "") return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
