// An origin that takes longer than it may.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    bypass: ["/long/**"],
    types: {
      product: { match: ["rest:/api/products/**", "graphql:Query.product"], ttl: 600 },
    },
    origin_timeout: { read_ms: 300, write_ms: 300 },
  },
});

let count = 0;
const answers = (request, response) => {
  count += 1;
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ data: { product: { __typename: "Product", count } }, path: request.url }));
};

/** Holds the requests of a method back until they are released. */
function hold(method) {
  const held = [];
  world.origin.answer = (request, response) => {
    if (request.method === method) held.push(() => answers(request, response));
    else answers(request, response);
  };
  return () => held.splice(0).map((release) => release()).length;
}

beforeEach(() => {
  world.origin.answer = answers;
});

test("what a write does after its time is purged when it is done", async () => {
  const path = "/api/products/written";
  const read = async () => (await world.ask(path)).json.data.product.count;
  const before = await read();
  const release = hold("PUT");
  const answer = await world.ask(path, { method: "PUT", body: "{}" });
  assert.equal(answer.status, 504);
  const between = await read();
  assert.notEqual(between, before, "the write may have been done, so the entry is gone");
  assert.equal(await read(), between, "and stored again");
  assert.equal(release(), 1, "the write arrived once");
  await world.until(async () => (await read()) !== between, "the late write purges");
});

test("what is not looked up may take as long as it likes", async () => {
  const release = hold("GET");
  const asking = world.ask("/long/poll");
  await world.until(() => world.origin.requests.at(-1)?.url === "/long/poll", "the origin is asked");
  // A request that is looked up gives up meanwhile; this one does not.
  assert.equal((await world.ask("/api/products/other")).status, 504);
  release();
  assert.equal((await asking).status, 200);
});
