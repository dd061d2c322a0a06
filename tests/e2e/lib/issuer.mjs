// An issuer of tokens: signs them, validly or not, and publishes its keys.

import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { Origin } from "./origin.mjs";

/** Kinds of key pairs by the algorithm that they are for. */
const PAIRS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
};

const encoded = (data) => Buffer.from(data).toString("base64url");
const now = () => Math.floor(Date.now() / 1000);

export class Issuer {
  /** Key pairs by name. */
  #pairs = new Map();
  /** Names of the keys that are published. */
  published = [];
  server = new Origin();

  async listen() {
    this.publish();
    await this.server.listen();
    this.url = `${this.server.url}/jwks`;
    return this;
  }

  close() {
    this.server.close();
  }

  /** How often the keys were asked for. */
  get asked() {
    return this.server.requests.length;
  }

  /** Makes a pair and publishes its public key, with more members. */
  addKey(name, algorithm, members = {}) {
    const pair = PAIRS[algorithm]();
    this.#pairs.set(name, { ...pair, algorithm, members });
    this.published.push(name);
    return pair;
  }

  jwk(name) {
    const { publicKey, members } = this.#pairs.get(name);
    return { kid: name, ...publicKey.export({ format: "jwk" }), ...members };
  }

  /** Answers with the keys as they are at the time. */
  publish() {
    this.server.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=300" });
      response.end(JSON.stringify({ keys: this.published.map((name) => this.jwk(name)) }));
    };
  }

  /** A valid token by one of the keys, except for these claims and header members. */
  token(name, claims, header = {}) {
    const { algorithm, privateKey } = this.#pairs.get(name);
    return signed({ alg: algorithm, kid: name, ...header }, claims, (data) =>
      sign("sha256", data, { key: privateKey, dsaEncoding: "ieee-p1363" }),
    );
  }
}

/** A token by a secret. */
export function secretToken(secret, claims, header = {}) {
  return signed({ alg: "HS256", ...header }, claims, (data) =>
    createHmac("sha256", secret).update(data).digest(),
  );
}

/** A token whose signature is what `signature` makes of its text. `undefined` takes a claim away. */
export function signed(header, claims, signature) {
  const all = { iss: "issuer", aud: ["shop", "other"], iat: now(), exp: now() + 600, ...claims };
  const text = `${encoded(JSON.stringify({ typ: "JWT", ...header }))}.${encoded(JSON.stringify(all))}`;
  return `${text}.${encoded(signature(Buffer.from(text)))}`;
}

/** The token with one of its three parts as `change` makes it. */
export function tampered(token, part, change) {
  const parts = token.split(".");
  parts[part] = encoded(change(Buffer.from(parts[part], "base64url")));
  return parts.join(".");
}
