// What is written to KV, when, and for how long.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startWorld } from "../lib/world.mjs";

const types = {
  long: { match: ["rest:/long/**"], ttl: 7200, swr: 60, sie: 600 },
  short: { match: ["rest:/short/**"], ttl: 5 },
};

async function worldWith(writes, more = {}, options = {}) {
  const world = await startWorld({ config: { types, kv: { writes, ...more } }, ...options });
  world.origin.saysJson({ text: "compressible ".repeat(1_000) });
  return world;
}

test("every entry is written, deflated, for as long as it may live", async () => {
  const world = await worldWith("always");
  const { text } = await world.ask("/long/1");
  await world.until(() => world.kv.writes === 1, "written");
  const { key, ttl, body } = world.kv.lastWrite;
  assert.match(key, /^test\/2\/rest\/long\/long~1\/public\/[0-9a-f]{64}$/);
  assert.equal(ttl, "7800");
  assert.ok(body.length < text.length / 5, `${body.length} bytes of ${text.length}`);
  assert.ok(!body.includes("compressible"));
});

test("KV keeps nothing for less than a minute, so the entry itself knows when it ends", async () => {
  const world = await worldWith("always");
  await world.ask("/short/1");
  await world.until(() => world.kv.writes === 1, "written");
  assert.equal(world.kv.lastWrite.ttl, "60");
  await wait(5_100);
  assert.match((await world.ask("/short/1")).cacheStatus, /fwd=stale; fwd-status=200; stored$/);
});

test("with second-request an entry is written when it is asked for again, once", async () => {
  const world = await worldWith("second-request");
  await world.ask("/long/1");
  await wait(100);
  assert.equal(world.kv.writes, 0);
  for (let n = 0; n < 3; n += 1) await world.ask("/long/1");
  await world.until(() => world.kv.writes === 1, "written");
  await wait(100);
  assert.equal(world.kv.writes, 1);
});

test("with never nothing is written", async () => {
  const world = await worldWith("never");
  for (let n = 0; n < 3; n += 1) await world.ask("/long/1");
  await wait(100);
  assert.deepEqual([world.kv.writes, (await world.ask("/long/1")).xCache], [0, "HIT"]);
});

test("what lives shorter than min_ttl is not written", async () => {
  const world = await worldWith("always", { min_ttl: 60 });
  await world.ask("/short/1");
  assert.equal((await world.ask("/short/1")).xCache, "HIT");
  await world.ask("/long/1");
  await world.until(() => world.kv.writes === 1, "the other one is written");
  assert.match(world.kv.lastWrite.key, /long~1/);
});

test("another key's value is not believed", async () => {
  const world = await worldWith("always");
  await world.ask("/long/1");
  await world.until(() => world.kv.writes === 1, "written");
  const { body } = world.kv.lastWrite;
  world.origin.saysJson({ text: "another" });
  await world.ask("/long/2");
  await world.until(() => world.kv.writes === 2, "written");
  for (const key of world.kv.entries.keys()) world.kv.entries.set(key, body);
  world.caches[0].entries.clear();
  await world.restart();
  assert.equal((await world.ask("/long/2")).json.text, "another");
});

test("by default an entry is written when it is asked for again", async () => {
  const world = await worldWith(undefined);
  await world.ask("/long/1");
  await wait(100);
  assert.equal(world.kv.writes, 0);
  await world.ask("/long/1");
  await world.until(() => world.kv.writes === 1, "written");
});

test("the day's writes are shared by all isolates, and outlive them and the log's object", async () => {
  const world = await worldWith("always", { writes_per_day: 8 }, { places: 2 });
  let path = 0;
  const store = async () => {
    path += 1;
    assert.equal((await world.ask(`/long/${path}`, {}, path % 2)).xCache, "MISS");
    await wait(100);
  };
  for (let n = 0; n < 8; n += 1) await store();
  assert.equal(world.kv.writes, 6, "a quarter is left to the outbox");
  await world.restart();
  for (let n = 0; n < 2; n += 1) await store();
  assert.equal(world.kv.writes, 6);
  // What is not in KV is a miss elsewhere, and never anything old.
  assert.equal((await world.ask(`/long/${path}`, {}, path % 2)).xCache, "HIT");
  world.logMode = "read-only";
  await world.ask("/long/1", { method: "PUT", body: "{}" });
  await world.until(() => world.kv.writes === 7, "the outbox may write");
  assert.match(world.kv.lastWrite.key, /^outbox\//);
});

test("while the log grants nothing, nothing is written, and that is all", async () => {
  const world = await worldWith("always", { writes_per_day: 8 });
  // As by a log of an earlier build, which refuses claims and answers everything else.
  world.logMode = "read-only";
  await world.ask("/long/1");
  await world.until(() => world.events("failure").some(({ part }) => part === "kv-allowance"), "reported");
  await world.ask("/long/2");
  await wait(100);
  assert.deepEqual([world.kv.writes, (await world.ask("/long/2")).xCache], [0, "HIT"]);
  assert.equal(world.events("failure").filter(({ part }) => part === "kv-allowance").length, 1);
});
