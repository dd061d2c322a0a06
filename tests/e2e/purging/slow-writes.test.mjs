// Writes that take long: the log is told, so that what an origin commits when nobody is there any more
// is purged. And a log that takes nothing, which holds up no write once that is known.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Client, NEW, SocketApi } from "../lib/sockets.mjs";
import { held } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

/** A route sets the clock ahead. What a log that starts again finds due it records with the next append. */
const entry = `
import worker, { PurgeLog } from "./index.js";
export { PurgeLog };
const { now } = Date;
let ahead = 0;
Date.now = () => now() + ahead;
export default {
  fetch(request, env, context) {
    const [, set] = request.url.split("/the-clock?");
    if (set === undefined) return worker.fetch(request, env, context);
    ahead = Number(set);
    return new Response("done");
  },
};
`;

const MAX_LAG = 1;
const world = await startWorld({
  entry,
  config: {
    types: { product: { match: ["rest:/api/products/**", "graphql:Query.product"], ttl: 7200 } },
    purge: { max_lag: MAX_LAG },
  },
});

let version = 0;
let release = null;
const read = (response) =>
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ version }));
/** Reads at once; writes when the test says so, whether or not anybody waits. */
const rest = async (request, response) => {
  if (request.method !== "GET") await release?.promise;
  read(response);
};
world.origin.answer = rest;

const asked = (path) => world.control.requests.filter(({ url }) => url.startsWith(path)).length;
const inOutbox = () => [...world.kv.entries.keys()].filter((key) => key.startsWith("outbox/test@"));
const nextNumber = async () =>
  (await world.admin("purge", { body: { patterns: ["gql/nothing/**"] } })).json.seq;

/** A counter of what the log is asked from here on. */
function counted() {
  const before = { "/append": asked("/append"), "/intend": asked("/intend") };
  return (path) => asked(path) - before[path];
}

async function stored(path) {
  await world.until(async () => (await world.ask(path)).xCache === "HIT", "it is stored");
  return (await world.ask(path)).json.version;
}

/** A log that starts again a minute later, and is asked. */
async function aMinuteLater() {
  await world.restart();
  await world.ask("/the-clock?62000");
  return nextNumber();
}

afterEach(async () => {
  release = null;
  world.logMode = "ok";
  await world.restart();
});

test("a write that is not slow asks the log once", async () => {
  const path = "/api/products/fast";
  await stored(path);
  const calls = counted();
  assert.ok((await world.ask(path, { method: "PUT", body: "{}" })).headers.has("evergraph-purge"));
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  assert.deepEqual([calls("/append"), calls("/intend")], [1, 0]);
});

test("a slow write tells the log, and its own record closes that", async () => {
  const path = "/api/products/slow";
  await stored(path);
  const calls = counted();
  release = held();
  const writing = world.ask(path, { method: "PUT", body: "{}" });
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  assert.equal(calls("/intend"), 0);
  await world.until(() => calls("/intend") === 1, "the log is told");
  assert.equal((await world.ask(path)).xCache, "HIT", "which purges nothing");
  release.release();
  assert.ok((await writing).headers.has("evergraph-purge"));
  assert.deepEqual([calls("/append"), calls("/intend")], [1, 1]);
  const number = await nextNumber();
  // The next number is that of the request which asks for it, and nothing comes behind it.
  assert.equal(await aMinuteLater(), number + 1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(await nextNumber(), number + 2);
});

test("what is committed when nobody is there any more is purged by the log", async () => {
  const path = "/api/products/abandoned";
  const other = "/api/products/other";
  await stored(path);
  await stored(other);
  const calls = counted();
  release = held();
  const leaving = new AbortController();
  const writing = world.ask(path, { method: "PUT", body: "{}", signal: leaving.signal });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await world.until(() => calls("/intend") === 1, "the log is told");
  leaving.abort();
  await assert.rejects(writing);
  await world.restart();
  version += 1;
  assert.equal(await stored(path), version - 1, "nobody knows");
  await stored(other);
  await aMinuteLater();
  await world.until(async () => (await world.ask(path)).json.version === version, "the log has purged it");
  assert.equal((await world.ask(path)).xCache, "HIT");
  assert.equal((await world.ask(other)).json.version, version - 1, "and nothing else");
});

test("a mutation on a socket that has no answer tells the log, and its answer closes that", async () => {
  const api = new SocketApi(world.origin);
  const got = [];
  api.byHand = (_socket, text) => got.push(text);
  const client = await Client.open(world.url("/graphql"), [NEW]);
  const calls = counted();
  const query = "mutation { renameIt(id: 1) { __typename id } }";
  client.send({ type: "subscribe", id: "1", payload: { query } });
  client.send({ type: "subscribe", id: "2", payload: { query: "subscription { renamed { id } }" } });
  await world.until(() => got.length === 2, "the origin has them");
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  assert.equal(calls("/intend"), 0);
  await world.until(() => calls("/intend") === 1, "the log is told of one");
  const data = { renameIt: { __typename: "Product", id: "1" } };
  api.opened.send(JSON.stringify({ type: "next", id: "1", payload: { data } }));
  api.opened.send(JSON.stringify({ type: "complete", id: "1" }));
  await world.until(() => calls("/append") >= 1, "it purges");
  const before = await nextNumber();
  world.origin.answer = rest;
  assert.equal(await aMinuteLater(), before + 1, "nothing of it is left");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(await nextNumber(), before + 2);
});

// What is kept is repeated later, so sequence numbers are not checked from here on.
test("an intent that the log does not take goes to the outbox", async () => {
  const path = "/api/products/kept";
  await stored(path);
  const calls = counted();
  release = held();
  world.logMode = "read-only";
  const writing = world.ask(path, { method: "PUT", body: "{}" });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await world.until(() => calls("/intend") === 1, "the log is told");
  await world.until(() => inOutbox().length === 1, "it is in the outbox");
  assert.notEqual((await world.ask(path)).xCache, "HIT", "and obeyed meanwhile");
  world.logMode = "ok";
  await world.until(() => inOutbox().length === 0, "it is recorded");
  release.release();
  assert.ok((await writing).headers.has("evergraph-purge"));
});

test("a log that hangs holds up the first write, and none after it", async () => {
  const path = "/api/products/hanging";
  await stored(path);
  world.logMode = "hang";
  const write = async () => {
    const began = performance.now();
    const { status, cacheStatus } = await world.ask(path, { method: "PUT", body: "{}" });
    assert.equal(status, 200);
    assert.match(cacheStatus, /detail=purge-pending$/);
    return performance.now() - began;
  };
  assert.ok((await write()) > 5_500);
  const calls = counted();
  for (let n = 0; n < 5; n += 1) assert.ok((await write()) < 2_500, "at once");
  assert.ok(calls("/append") <= 5, "one probe at a time");
  assert.notEqual((await world.ask(path)).xCache, "HIT", "the isolate obeys what waits");
  assert.equal((await world.admin("health")).json.state, "DEGRADED");
  // Nobody asks for anything meanwhile.
  world.logMode = "ok";
  await world.until(() => inOutbox().length === 0, "what waits is recorded").catch(() => {});
  await world.until(() => inOutbox().length === 0, "what waits is recorded");
  assert.ok((await world.ask(path, { method: "PUT", body: "{}" })).headers.has("evergraph-purge"));
});
