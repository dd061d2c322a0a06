// Signatures of tokens, by the runtime's own cryptography.

/** How many imported keys an isolate keeps. */
const KEYS = 100;

/** For each algorithm that RFC 7518 names: what the runtime calls it. */
const ALGORITHMS = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};

/** Imported keys by algorithm and text, the oldest first. */
const imported = new Map();

/** Whether a signature over a text is right. `key` is a JWK's text; for HS256 it is the secret. */
export async function verify(algorithm, key, signed, signature) {
  const used = await importedKey(algorithm, key);
  return crypto.subtle.verify(ALGORITHMS[algorithm], used, signature, new TextEncoder().encode(signed));
}

async function importedKey(algorithm, key) {
  const name = `${algorithm} ${key}`;
  const known = imported.get(name);
  if (known !== undefined) return known;
  const [format, data] =
    algorithm === "HS256" ? ["raw", new TextEncoder().encode(key)] : ["jwk", JSON.parse(key)];
  // What is kept is the key and not a promise of it, for which no other request may wait.
  const made = await crypto.subtle.importKey(format, data, ALGORITHMS[algorithm], false, ["verify"]);
  imported.set(name, made);
  if (imported.size > KEYS) imported.delete(imported.keys().next().value);
  return made;
}
