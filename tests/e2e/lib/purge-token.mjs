// The contents of the token in `Evergraph-Purge`, which is opaque to clients.

/** A token with a signature. */
export const TOKEN = /^[\w-]{44}$/;

/** The log and the number of a token. */
export function recordOf(token) {
  const bytes = Buffer.from(token, "base64url");
  return { epoch: bytes.readBigUInt64BE(1), seq: Number(bytes.readBigUInt64BE(9)) };
}
