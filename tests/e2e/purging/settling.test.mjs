// Origins that read from a copy which lags behind their writes: purges are repeated.

import assert from "node:assert/strict";
import { test } from "node:test";
import { recordOf } from "../lib/purge-token.mjs";
import { startWorld } from "../lib/world.mjs";

const SETTLE = 2;
const world = await startWorld({
  config: {
    types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
    purge: { max_lag: 1, settle: SETTLE },
  },
});
let copy = "old";
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(copy));

/** Writes, and stores what the copy still has. Returns the write's number. */
async function writeAndReadTheCopy(path) {
  copy = "old";
  const write = await world.ask(path, { method: "PUT", body: "{}" });
  await world.until(async () => (await world.ask(path)).xCache === "HIT", "the copy's answer is stored");
  assert.equal((await world.ask(path)).text, '"old"');
  copy = "new";
  return recordOf(write.headers.get("evergraph-purge")).seq;
}

async function nextNumber() {
  return (await world.admin("purge", { body: { patterns: ["gql/nothing/**"] } })).json.seq;
}

test("what was fetched from a copy that lags is gone once the purge is repeated", async () => {
  const path = "/api/products/1";
  await writeAndReadTheCopy(path);
  assert.equal((await world.ask(path)).text, '"old"');
  await world.until(async () => (await world.ask(path)).text === '"new"', "the purge is repeated");
});

test("a purge that waits to be repeated outlives the object, and is repeated once", async () => {
  const path = "/api/products/2";
  const number = await writeAndReadTheCopy(path);
  await world.restart();
  await world.until(async () => (await world.ask(path)).text === '"new"', "the purge is repeated");
  // Long enough for a third time, if there were one.
  await new Promise((resolve) => setTimeout(resolve, (SETTLE + 1) * 1_000));
  assert.equal(await nextNumber(), number + 2);
});
