// Failures that reach the runtime: it sends a request to the origin by itself only if that cannot be
// a write.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

/** Throws once the Worker has answered, and says for which requests the runtime may go on by itself. */
const entry = `
import worker, { PurgeLog } from "./index.js";
export { PurgeLog };
export default {
  async fetch(request, env, context) {
    let isOpen = false;
    const response = await worker.fetch(request, env, {
      passThroughOnException() {
        isOpen = true;
        if (request.headers.has("x-throw")) context.passThroughOnException();
      },
      waitUntil: (promise) => context.waitUntil(promise),
    });
    if (request.headers.has("x-throw")) throw new Error("the code around Wasm is broken");
    const told = new Response(response.body, response);
    told.headers.set("x-fails-open", String(isOpen));
    return told;
  },
};
`;

const world = await startWorld({
  entry,
  config: { types: { api: { match: ["rest:/api/**", "graphql:Query.*"], ttl: 600 } } },
});
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end('{"data":{"a":1}}');

test("reads fail open, and nothing else does", async () => {
  const opens = async (path, init) => (await world.ask(path, init)).headers.get("x-fails-open");
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: '{"query":"{a}"}' };
  for (const [path, init] of [
    ["/api/1", {}],
    ["/api/1", { method: "HEAD" }],
    ["/api/1", { method: "OPTIONS" }],
    ["/graphql?query=%7Ba%7D", {}],
  ])
    assert.equal(await opens(path, init), "true", `${init.method} ${path}`);
  assert.equal((await world.ask("/api/1")).xCache, "HIT");
  for (const [path, init] of [
    ["/api/1", { method: "PUT", body: "{}" }],
    ["/api/1", { method: "DELETE" }],
    ["/graphql", post],
    ["/api/1", { headers: { "x-http-method-override": "DELETE" } }],
    ["/graphql?query=mutation%7Ba%7D", {}],
  ])
    assert.equal(await opens(path, init), "false", `${init.method} ${path}`);
});

test("a write that the code around Wasm fails at reaches the origin once", async () => {
  await world.ask("/api/2");
  const before = world.origin.requests.length;
  const failed = await world.ask("/api/2", { method: "PUT", headers: { "x-throw": "1" } });
  assert.equal(failed.status, 500);
  assert.equal(world.origin.requests.length - before, 1);
  assert.equal((await world.ask("/api/2")).xCache, "MISS", "and purges");
});
