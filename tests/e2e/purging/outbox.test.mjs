// Purges that the log does not take: others find them in KV, and record them.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startWorld } from "../lib/world.mjs";

const MAX_LAG = 1;

/** A route that fires the cron trigger. */
const entry = `
import worker, { PurgeLog } from "./index.js";
export { PurgeLog };
export default {
  async fetch(request, env, context) {
    if (!request.url.endsWith("/the-cron-trigger")) return worker.fetch(request, env, context);
    await worker.scheduled({}, env, context);
    return new Response("done");
  },
};
`;

/** Finds out where a world's log has its outbox: under its service, and the id of its object. */
async function outboxOf(world) {
  const before = new Set(world.kv.entries.keys());
  world.logMode = "error";
  await world.ask("/api/products/first", { method: "PUT", body: "{}" });
  const isNew = (key) => key.startsWith("outbox/") && !before.has(key);
  const found = () => [...world.kv.entries.keys()].find(isNew);
  await world.until(() => found() !== undefined, "a purge is in the outbox");
  assert.match(found(), /^outbox\/test@[0-9a-f]{64}\/\d{13}-[0-9a-f]{16}$/);
  const [, prefix] = /^(.*\/)/.exec(found());
  world.kv.entries.delete(found());
  world.logMode = "ok";
  const health = async () => (await world.admin("health")).json.state;
  await world.until(async () => (await health()) === "HEALTHY", "the log has it");
  return prefix;
}

const world = await startWorld({
  places: 2,
  entry,
  config: {
    types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
    purge: { max_lag: MAX_LAG },
  },
});
let version = 0;
/** With its length: a write whose response is streamed purges twice, if its end comes late. */
const answer = (_request, response) => {
  const body = JSON.stringify({ version });
  const headers = { "content-type": "application/json", "content-length": body.length };
  response.writeHead(200, headers).end(body);
};
world.origin.answer = answer;
/** Where the purges of the log are kept. */
world.outbox = await outboxOf(world);

const inOutbox = (of = world) => [...of.kv.entries.keys()].filter((key) => key.startsWith(of.outbox));
const fireCron = async (place) =>
  assert.equal((await world.ask("/the-cron-trigger", {}, place)).text, "done");
const recorded = () => world.events("purge").filter((event) => event.source === "outbox");

let paths = 0;
/** An entry in both places, each of which serves it. */
async function storedEverywhere() {
  paths += 1;
  const path = `/api/products/${paths}`;
  for (const place of [0, 1]) {
    // This place may learn only now of a purge of the test before.
    const isHit = async () => (await world.ask(path, {}, place)).xCache === "HIT";
    await world.until(isHit, `${path} is stored`);
  }
  return path;
}

async function writeWhileTheLogIsDown(path) {
  world.logMode = "error";
  version += 1;
  const write = await world.ask(path, { method: "PUT", body: "{}" });
  assert.deepEqual([write.status, write.json], [200, { version }]);
  assert.equal(write.cacheStatus, "evergraph; fwd=method; fwd-status=200; detail=purge-pending");
  assert.equal(write.headers.get("evergraph-purge"), null);
}

/** Both data centers, once each has read what is recorded. */
async function isNewEverywhere(path) {
  await wait(MAX_LAG * 1_000 + 100);
  for (const place of [0, 1]) assert.deepEqual((await world.ask(path, {}, place)).json, { version });
}

afterEach(async () => {
  world.kv.mode = "ok";
  world.logMode = "ok";
  for (const key of inOutbox()) world.kv.entries.delete(key);
  for (const place of [0, 1]) {
    await world.until(
      async () => (await world.admin("health", { place })).json.state === "HEALTHY",
      "all is well again",
    );
  }
});

test("a purge outlives the isolate that had it", async () => {
  const path = await storedEverywhere();
  await writeWhileTheLogIsDown(path);
  await world.until(() => inOutbox().length === 1, "it is in the outbox");
  assert.equal(world.kv.lastWrite.ttl, "86400");
  await world.restart();
  await fireCron(1);
  assert.equal(inOutbox().length, 1, "it stays there while the log is down");
  world.logMode = "ok";
  await fireCron(1);
  assert.deepEqual(inOutbox(), []);
  await isNewEverywhere(path);
});

test("the isolate that has it records it itself, and takes it out again", async () => {
  const path = await storedEverywhere();
  await writeWhileTheLogIsDown(path);
  await world.until(() => inOutbox().length === 1, "it is in the outbox");
  assert.notEqual((await world.ask(path)).xCache, "HIT", "it is obeyed meanwhile");
  world.logMode = "ok";
  const before = recorded().length;
  await world.until(async () => {
    await world.ask(path);
    return recorded().length > before && inOutbox().length === 0;
  }, "it is recorded");
  await isNewEverywhere(path);
});

test("an isolate whose log is back looks for what others have left", async () => {
  const path = await storedEverywhere();
  await world.restart();
  await world.ask(path, {}, 1);
  await writeWhileTheLogIsDown(path);
  await world.until(() => inOutbox().length === 1, "it is in the outbox");
  const [left] = inOutbox();
  const value = world.kv.entries.get(left);
  await world.restart();
  // Another isolate's own.
  await world.ask("/api/products/other", { method: "PUT", body: "{}" }, 1);
  await world.until(() => inOutbox().length === 2, "both are in the outbox");
  assert.deepEqual(world.kv.entries.get(left), value);
  world.logMode = "ok";
  await world.until(async () => {
    await world.ask("/api/products/other", {}, 1);
    return inOutbox().length === 0;
  }, "both are recorded");
  await isNewEverywhere(path);
});

test("what is damaged stood for some purge", async () => {
  const path = await storedEverywhere();
  version += 1;
  world.kv.entries.set(`${world.outbox}1700000000000-0123456789abcdef`, Buffer.from("EGO\x01damaged"));
  await fireCron(0);
  assert.deepEqual(inOutbox(), []);
  assert.equal(recorded().at(-1).all, true);
  await isNewEverywhere(path);
});

test("the outbox of another service, and what only looks like one, is left alone", async () => {
  const others = ["outbox/other/1700000000000-0123456789abcdef", `${world.outbox}gql/product/x`];
  for (const key of others) world.kv.entries.set(key, Buffer.from("x"));
  const before = recorded().length;
  await fireCron(0);
  assert.equal(recorded().length, before);
  for (const key of others) assert.ok(world.kv.entries.delete(key), key);
});

test("a deployment with another log leaves what this one's log has to record", async () => {
  const config = { types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } } };
  const staging = await startWorld({ entry, config, kv: world.kv, logKey: "-of-staging" });
  staging.origin.answer = answer;
  staging.outbox = await outboxOf(staging);
  assert.notEqual(staging.outbox, world.outbox);
  const path = await storedEverywhere();
  await writeWhileTheLogIsDown(path);
  await world.until(() => inOutbox().length === 1, "it is in the outbox");
  assert.equal((await staging.ask("/the-cron-trigger")).text, "done");
  assert.equal(inOutbox().length, 1, "it is still there");
  assert.equal(ofOutbox(staging), 1, "it has recorded its own");
  await world.restart();
  world.logMode = "ok";
  await fireCron(1);
  assert.deepEqual(inOutbox(), []);
  await isNewEverywhere(path);
});

/** How many purges were recorded that had to wait. */
const ofOutbox = (of) => of.events("purge").filter(({ source }) => source === "outbox").length;

test("for what a version before has left each log purges everything once, and nobody deletes it", async () => {
  const staging = await startWorld({ entry, config: world.config, kv: world.kv, logKey: "-of-another" });
  const left = "outbox/test/1700000000000-0123456789abcdef";
  try {
    const before = ofOutbox(world);
    const path = await storedEverywhere();
    version += 1;
    world.kv.entries.set(left, Buffer.from("whatever it is"));
    for (const of of [world, staging]) {
      await of.ask("/the-cron-trigger");
      await of.ask("/the-cron-trigger");
    }
    assert.deepEqual([ofOutbox(world), ofOutbox(staging)], [before + 1, 1]);
    await isNewEverywhere(path);
    await world.restart();
    await fireCron(1);
    assert.equal(ofOutbox(world), before + 1, "other isolates know of it too");
    world.kv.entries.set(left.replace("17", "18"), Buffer.from("another"));
    await fireCron(1);
    assert.equal(ofOutbox(world), before + 2);
    assert.ok(world.kv.entries.has(left));
  } finally {
    for (const key of world.kv.entries.keys())
      if (/^outbox(-former)?\/test[/@]/.test(key)) world.kv.entries.delete(key);
  }
});

test("KV that fails too changes nothing for the client, and the isolate goes on alone", async () => {
  const path = await storedEverywhere();
  world.kv.mode = "error";
  await writeWhileTheLogIsDown(path);
  assert.notEqual((await world.ask(path)).xCache, "HIT");
  await fireCron(1);
  world.logMode = "ok";
  await fireCron(0);
  await isNewEverywhere(path);
});

test("more purges than an isolate keeps become one of everything", async () => {
  const KEPT = 256;
  const untouched = await storedEverywhere();
  world.logMode = "error";
  version += 1;
  const writes = Array.from({ length: KEPT + 1 }, (_, n) => `/api/products/overflow-${n}`);
  // A few at once, and each of them pending.
  for (let n = 0; n < writes.length; n += 16) {
    const some = writes.slice(n, n + 16).map((path) => world.ask(path, { method: "PUT", body: "{}" }));
    for (const { cacheStatus } of await Promise.all(some)) assert.match(cacheStatus, /purge-pending$/);
  }
  assert.notEqual((await world.ask(untouched)).xCache, "HIT", "it is obeyed here");
  await world.until(() => inOutbox().length === 1, "it has taken the place of the others");
  await world.restart();
  world.logMode = "ok";
  const before = recorded().length;
  await fireCron(1);
  assert.deepEqual(
    recorded()
      .slice(before)
      .map(({ all }) => all),
    [true],
  );
  assert.deepEqual(inOutbox(), []);
  await isNewEverywhere(untouched);
});
