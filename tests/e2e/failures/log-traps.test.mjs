// Wasm that traps in the purge log's Durable Object: the log goes on with a new instance of Wasm.

import assert from "node:assert/strict";
import { test } from "node:test";
import { trappingClock } from "../lib/panics.mjs";
import { startWorld } from "../lib/world.mjs";

/** A module under which Wasm traps in the log's next call after the request `/trap-the-log`. */
const entry = `
import worker, { PurgeLog as Log } from "./index.js";

let isNext = false;
${trappingClock}

export class PurgeLog extends Log {
  fetch(request) {
    [armed, isNext] = [isNext, false];
    return super.fetch(request);
  }
}

export default {
  fetch(request, env, context) {
    if (request.url.endsWith("/have-trapped")) return Response.json(!isNext && !armed);
    if (!request.url.endsWith("/trap-the-log")) return worker.fetch(request, env, context);
    isNext = true;
    return new Response("done");
  },
};
`;

const world = await startWorld({
  entry,
  config: { types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } } },
});
let version = 1;
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ version }));

const path = "/api/products/1";
const read = async () => (await world.ask(path)).json.version;

async function write() {
  version += 1;
  const written = await world.ask(path, { method: "PUT", body: "{}" });
  assert.deepEqual([written.status, written.json], [200, { version }]);
}

test("a write whose purge meets the trap is purged, and so are those after it", async () => {
  await read();
  for (let n = 0; n < 3; n += 1) {
    const asked = world.origin.requests.length;
    await world.ask("/trap-the-log");
    await write();
    assert.equal(world.origin.requests.length, asked + 1, "it reached the origin once");
    assert.equal((await world.ask("/have-trapped")).json, true);
    assert.equal(await read(), version);
    await write();
    assert.equal(await read(), version);
    await world.until(async () => (await world.ask(path)).xCache === "HIT", "it is cached again");
  }
});
