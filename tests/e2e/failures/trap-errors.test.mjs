// Wasm may end with errors other than a `WebAssembly.RuntimeError`: a stack overflow is a `RangeError`, an
// import that fails a `TypeError`. A write is purged all the same, and the next instance of Wasm is sound.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

/** A module under which Wasm fails with an error when it has looked at the clock `x-after` times. */
const entryThrowing = (error) => `
import worker, { PurgeLog } from "./index.js";
export { PurgeLog };

let left = Infinity;
const { now } = Date;
Date.now = () => {
  if (left === Infinity || !new Error().stack.includes("wasm")) return now();
  left -= 1;
  if (left >= 0) return now();
  left = Infinity;
  throw new ${error};
};

export default {
  fetch(request, env, context) {
    if (request.url.endsWith("/has-failed")) return Response.json(left === Infinity);
    left = Number(request.headers.get("x-after") ?? Infinity);
    return worker.fetch(request, env, context);
  },
};
`;

const path = "/api/products/1";

for (const error of ['RangeError("Maximum call stack size exceeded")', 'TypeError("not a function")']) {
  test(`a write during which Wasm fails with ${error} is sent once and purged`, async () => {
    const config = { types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } } };
    const world = await startWorld({ entry: entryThrowing(error), config });
    let version = 1;
    world.origin.answer = (_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ version }));
    let failed = 0;
    for (let looks = 0; looks < 12; looks += 1) {
      await world.until(async () => (await world.ask(path)).xCache === "HIT", "it is cached");
      version += 1;
      const asked = world.origin.requests.filter(({ method }) => method === "PUT").length;
      const written = await world.ask(path, {
        method: "PUT",
        body: "{}",
        headers: { "x-after": String(looks) },
      });
      if ((await world.ask("/has-failed")).json) failed += 1;
      assert.deepEqual([written.status, written.json], [200, { version }], `after ${looks} looks`);
      const writes = world.origin.requests.filter(({ method }) => method === "PUT").length;
      assert.equal(writes, asked + 1, "it reached the origin once");
      assert.equal((await world.ask(path)).json.version, version, `after ${looks} looks`);
    }
    assert.ok(failed > 3, `${failed} writes met the failure`);
  });
}
