// Verifies a completion webhook with nothing but Node 18 or later.
//
//   verify(headers, rawBody, { apiKey: "tr_..." })          what goes to callback URLs
//   verify(headers, rawBody, { secret: "whsec_..." })       what goes to a subscription
//   verify(headers, rawBody, { publicKey: "whpk_..." })     one with an asymmetric key
//
// headers have names in lower case, as Node gives them; rawBody is a Buffer with
// the bytes as they came.
import crypto from "node:crypto";

const label = "runhook completion webhook, version 1";
const ed25519Prefix = Buffer.from("302a300506032b6570032100", "hex");

export function verify(headers, rawBody, { apiKey, secret, publicKey }, now = Date.now() / 1000) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"];
  if (!id || !timestamp || !signatures) return false;
  if (!(Math.abs(now - Number(timestamp)) <= 300)) return false;
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), rawBody]);
  return signatures.split(" ").some((signature) => {
    const [version, encoded = ""] = signature.split(",");
    const given = Buffer.from(encoded, "base64");
    if (version === "v1a" && publicKey) {
      const raw = Buffer.from(publicKey.replace(/^whpk_/, ""), "base64");
      const key = crypto.createPublicKey({ key: Buffer.concat([ed25519Prefix, raw]), format: "der", type: "spki" });
      return given.length === 64 && crypto.verify(null, signed, key, given);
    }
    if (version !== "v1" || !(apiKey || secret)) return false;
    const key = apiKey
      ? crypto.createHmac("sha256", apiKey).update(label).digest()
      : Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const expected = crypto.createHmac("sha256", key).update(signed).digest();
    return given.length === expected.length && crypto.timingSafeEqual(given, expected);
  });
}
