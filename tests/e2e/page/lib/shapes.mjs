// A server with the page and with admin routes that answer what a test wants: for states that a Worker in
// workerd reaches only after hours, or not at all. It sends the page with the headers of the Worker.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { root } from "../../../../tools/processes.mjs";
import { statistics } from "./numbers.mjs";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FILES = {
  "": ["page.html.txt", "text/html; charset=utf-8"],
  "page.js": ["page.js.txt", "text/javascript; charset=utf-8"],
  "page.css": ["page.css.txt", "text/css; charset=utf-8"],
};
const PREFIX = "/__evergraph/";
export const TOKEN = "a-token-for-everything";

export class Shapes {
  /** What routes answer instead, by `METHOD route`: JSON, or a function of the parameters and the body. */
  answers = {};
  /** Whether everybody is let in, as with Cloudflare Access in front. */
  isOpen = false;
  tokens = [TOKEN];
  /** Routes that never answer. */
  hanging = new Set();
  /** What an answer waits for, by its request: a promise, or nothing. */
  wait = () => {};
  /** What an answer waits for after its head. */
  waitForBody = () => {};
  requests = [];

  async listen() {
    this.server = createServer((request, response) => this.#serve(request, response));
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    this.url = `${this.origin}${PREFIX}`;
    return this;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  async #serve(request, response) {
    const url = new URL(request.url, "http://shapes");
    const route = url.pathname.slice(PREFIX.length);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (route in FILES) return this.#file(FILES[route], response);
    const text = Buffer.concat(chunks).toString();
    const body = text === "" ? undefined : JSON.parse(text);
    const sent = { method: request.method, route, parameters: url.searchParams, body, isOver: false };
    const { authorization } = request.headers;
    this.requests.push(Object.assign(sent, { token: authorization?.slice("Bearer ".length) }));
    response.on("close", () => Object.assign(sent, { isOver: true }));
    if (this.hanging.has(route)) return;
    await this.wait(sent);
    const isIn = this.isOpen || this.tokens.includes(sent.token);
    const {
      status = 200,
      headers = {},
      json,
    } = this.#answer(`${request.method} ${route}`, url.searchParams, body, isIn);
    response.writeHead(status, { "content-type": "application/json", ...headers }).flushHeaders();
    await this.waitForBody(sent);
    response.end(JSON.stringify(json));
  }

  #file([name, type], response) {
    const headers = {
      "content-type": type,
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
    };
    response.writeHead(200, headers).end(readFileSync(join(root, "build", name)));
  }

  #answer(route, parameters, body, isIn) {
    const answer = this.answers[route] ?? ANSWERS[route];
    if (answer === undefined) return refusal(404, "no such route");
    if (!isIn && route !== "GET health")
      return refusal(401, "send Authorization: Bearer <one of ADMIN_TOKENS>");
    const said = typeof answer === "function" ? answer(parameters, body, isIn) : answer;
    return said.refusal ?? { json: said };
  }
}

/** A promise that somebody else fulfills, for `wait`. */
export function gate() {
  const made = {};
  const promise = new Promise((resolve) => Object.assign(made, { open: resolve }));
  return Object.assign(promise, made);
}

/** A refusal for `answers`. */
export const refusal = (status, error, headers) =>
  ({ refusal: { status, json: { error }, headers } }).refusal;
export const refuses = (status, error, headers) => () => ({ refusal: refusal(status, error, headers) });

const ago = (seconds) => Date.now() - seconds * 1000;

export const HEALTHY = {
  state: "HEALTHY",
  service: "shop",
  parts: {
    kv: { state: "HEALTHY" },
    purge_log: { state: "HEALTHY" },
    edge_cache: { state: "HEALTHY" },
    origin: { state: "HEALTHY" },
    schema: { state: "HEALTHY" },
    statistics: { state: "HEALTHY" },
  },
  alerts: [
    { alert: "hit-rate", state: "ok", value: 0.913, threshold: 0.5, since: null },
    { alert: "errors", state: "ok", value: 2, threshold: 10, since: null },
  ],
  paused: null,
};

const DEPLOYMENT = {
  version: "8f4a1c02-6c1e-4d0b-9d53-0d0e6a3f8b11",
  bindings: { CACHE_KV: true, PURGE_LOG: true, STATS: true, VERSION_METADATA: true },
  admin_tokens: 3,
  on_deploy: { state: "ok" },
  placement: { state: "ok" },
};

const NAMES = ["GetProduct", "SearchProducts", "CategoryPage", "Viewer", "Menu"];
const entry = (index) => {
  const name = NAMES[index % NAMES.length];
  const type = ["product", "search", "catalog", "account", "content"][index % 5];
  const scope = type === "account" ? `user-${(index * 7919).toString(16).padStart(8, "0")}` : "public";
  const digest = createHash("sha256").update(String(index)).digest("hex");
  const tags = ["Product", `Product:${index}`, `type:${type}`, `op:${name}`];
  return {
    key: `shop/2/gql/${type}/${name}/${scope}/${digest}`,
    type,
    name,
    scope,
    stored_at: ago(index * 37 + 5),
    age: index * 37 + 5,
    ttl: [7200, 300, 3600, 60, 86400][index % 5],
    bytes: 900 + ((index * 1733) % 30_000),
    tags,
    tags_complete: index % 4 !== 0,
    verdict: index % 9 === 7 ? "purged" : "valid",
  };
};

const ANSWERS = {
  "GET health": (_parameters, _body, isIn) => ({ ...HEALTHY, ...(isIn ? { deployment: DEPLOYMENT } : {}) }),
  "GET stats": (parameters) => statistics(Number(parameters.get("window") ?? 3_600), parameters.get("by")),
  "POST warm": (_parameters, body) => {
    const all =
      body.requests ??
      Array.from({ length: body.top }, (_, n) => ({
        method: "GET",
        url: `/graphql?operation=${NAMES[n % 5]}&n=${n}`,
      }));
    const part = all.slice(0, 8);
    const results = part.map(({ url }, n) => ({
      url,
      operation: NAMES[n % 5],
      outcome: n % 5 === 3 ? "already-fresh" : n % 8 === 6 ? "skipped" : "warmed",
      reason: n % 8 === 6 ? "cookie-without-scope" : undefined,
      ms: 120 + n * 31,
    }));
    const number = (outcome) => results.filter((result) => result.outcome === outcome).length;
    return {
      warmed: number("warmed"),
      already_fresh: number("already-fresh"),
      skipped: number("skipped"),
      failed: number("failed"),
      kv_writes: number("warmed"),
      results,
      remaining: all.length > 8 ? { ...body, top: undefined, requests: all.slice(8) } : null,
    };
  },
  "GET entries": (parameters) => {
    const key = parameters.get("key");
    if (key) {
      const found = Array.from({ length: 240 }, (_, n) => entry(n)).find((one) => one.key === key);
      return parameters.get("body") ? { data: { product: { id: "42", name: "Lamp", price: 39 } } } : found;
    }
    const from = Number(parameters.get("cursor") ?? 0);
    return {
      entries: Array.from({ length: 100 }, (_, n) => entry(from + n)),
      cursor: from >= 200 ? null : String(from + 100),
    };
  },
  "GET audit": { changes: [], denied: {} },
  "GET schema": { source: "upload", types: 42 },
  "GET config": { service: "shop", default: { ttl: 300 } },
};
