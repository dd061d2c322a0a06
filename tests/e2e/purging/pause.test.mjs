// POST pause and POST resume: one place pauses, and all places pass everything through.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const MAX_LAG = 1;
const world = await startWorld({
  places: 2,
  config: {
    types: {
      product: { match: ["rest:/api/products/**", "graphql:Query.product"], ttl: 7200, sie: 600 },
    },
    purge: { max_lag: MAX_LAG },
  },
});

let version = 0;
let status = 200;
world.origin.answer = (_request, response) =>
  response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify({ data: { product: { __typename: "Product", id: "1", version } } }));

const QUERY = "{ product { __typename id version } }";
const read = (path, place) => (path ? world.ask(path, {}, place) : world.graphql(QUERY, { place }));
const shown = (got) => got.json.data.product.version;

/** A REST entry of its own and the GraphQL entry, which both places serve. */
async function stored(path) {
  for (const place of [0, 1])
    for (const what of [path, undefined]) {
      const isHit = async () => (await read(what, place)).xCache === "HIT";
      await world.until(isHit, "it is served from the cache");
    }
}

beforeEach(async () => {
  status = 200;
  version += 1;
  await world.admin("resume", { body: {} });
  await world.admin("purge", { body: { all: true } });
});

const passesThrough = async (place) => {
  const got = await read(undefined, place);
  return got.xCache === "BYPASS" && got.cacheStatus.endsWith("detail=paused");
};

test("a pause in one place is one in all, and the end too", async () => {
  const path = "/api/products/1";
  await stored(path);
  const paused = await world.admin("pause", { body: {} });
  assert.deepEqual([paused.status, paused.json.until], [200, null]);
  assert.ok(await passesThrough(0), "at once where it was asked for");
  await world.until(() => passesThrough(1), "and elsewhere within max_lag");
  for (const place of [0, 1])
    for (const what of [path, undefined]) {
      const got = await read(what, place);
      assert.deepEqual([got.xCache, shown(got)], ["BYPASS", version]);
    }
  assert.equal((await world.admin("resume", { method: "POST", place: 1 })).status, 200);
  for (const place of [0, 1]) {
    const isHit = async () => (await read(path, place)).xCache === "HIT";
    await world.until(isHit, "what was stored is served again");
  }
  assert.ok(world.events("pause").some(({ until }) => until === null));
  assert.ok(world.events("resume").length > 0);
});

test("writes purge while the cache is paused, and a failing origin shows", async () => {
  const path = "/api/products/2";
  await stored(path);
  await world.admin("pause", { body: { seconds: 3600 } });
  await world.until(() => passesThrough(1), "all places are paused");
  status = 503;
  for (const place of [0, 1]) assert.equal((await read(path, place)).status, 503);
  status = 200;
  version += 1;
  const write = await world.ask(path, { method: "PUT", body: "{}" });
  assert.ok(write.headers.get("evergraph-purge"), "it is recorded");
  await world.admin("resume", { body: {} });
  for (const place of [0, 1]) {
    const goesOn = async () => (await read(path, place)).xCache !== "BYPASS";
    await world.until(goesOn, "the pause is over");
    assert.equal(shown(await read(path, place)), version, "nothing old is left");
  }
});

test("an isolate that starts during a pause learns of it, and a pause ends by its time", async () => {
  const path = "/api/products/3";
  await stored(path);
  const { json } = await world.admin("pause", { body: { seconds: 3 } });
  await world.restart();
  assert.notEqual((await read(path, 1)).xCache, "HIT", "it reads the log first");
  const isHit = async () => (await read(path, 1)).xCache === "HIT";
  await world.until(isHit, "it has ended");
  assert.ok(Date.now() >= json.until, "and not before its time");
});

test("a pause that is malformed changes nothing", async () => {
  for (const [body, path] of [
    [{ seconds: 0 }, "seconds"],
    [{ seconds: "60" }, "seconds"],
    [{ minutes: 1 }, "minutes"],
    ["{", ""],
  ]) {
    const got = await world.admin("pause", { body });
    assert.deepEqual([got.status, got.json.path], [400, path]);
  }
  assert.equal(await passesThrough(0), false);
});
