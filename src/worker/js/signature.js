// Verification of token signatures with the runtime's cryptography.

/** How many imported keys an isolate keeps. */
const MAX_KEYS = 100;

/** The runtime's parameters for each algorithm (RFC 7518). */
const ALGORITHMS = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};

/** Imported keys by algorithm and text, the oldest first. */
const imported = new Map();

/** Whether a signature over a text is valid. `key` is the text of a JWK; for HS256 it is the secret. */
export async function verifySignature(algorithm, key, signed, signature) {
  const cryptoKey = await importedKey(algorithm, key);
  return crypto.subtle.verify(ALGORITHMS[algorithm], cryptoKey, signature, new TextEncoder().encode(signed));
}

async function importedKey(algorithm, key) {
  const name = `${algorithm} ${key}`;
  const known = imported.get(name);
  if (known !== undefined) return known;
  const [format, data] =
    algorithm === "HS256" ? ["raw", new TextEncoder().encode(key)] : ["jwk", JSON.parse(key)];
  // The key is kept, not a promise of it: a request must not wait for another request's promise.
  const cryptoKey = await crypto.subtle.importKey(format, data, ALGORITHMS[algorithm], false, ["verify"]);
  imported.set(name, cryptoKey);
  if (imported.size > MAX_KEYS) imported.delete(imported.keys().next().value);
  return cryptoKey;
}
