// The token in `Evergraph-Purge`: a log that loses its storage under live isolates, tokens that
// nobody can verify, and secrets that are replaced.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { recordOf, TOKEN } from "../lib/purge-token.mjs";
import { startWorld } from "../lib/world.mjs";

const [OLD, NEW] = ["the-old-secret-of-some-length", "the-new-secret-of-some-length"];
const types = { product: { match: ["rest:/api/products/**"], ttl: 7200, override: true } };
// No isolate reads the log by itself meanwhile.
const config = { types, purge: { max_lag: 600, cookie: true } };

const world = await open({ places: 4, adminTokens: [OLD, OLD, `${NEW},${OLD}`, OLD] });
let version = 0;

async function open(options) {
  const world = await startWorld({ config, ...options });
  world.origin.answer = (_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ version }));
  return world;
}

let paths = 0;
/** An entry in every place, each of which serves it. */
async function storedEverywhere() {
  paths += 1;
  const path = `/api/products/${paths}`;
  for (const place of world.caches.keys()) await store(path, place);
  return path;
}

async function store(path, place, of = world) {
  await of.until(async () => (await of.ask(path, {}, place)).xCache === "HIT", "it is stored");
}

async function write(path, place = 0, of = world) {
  version += 1;
  const answer = await of.ask(path, { method: "PUT", body: "{}" }, place);
  assert.match(answer.cacheStatus, /detail=method$/);
  const token = answer.headers.get("evergraph-purge");
  return { token, cookie: answer.headers.getSetCookie()[0].split(";")[0] };
}

const showing = (token) => ({ headers: { "evergraph-purge": token } });

/** Whether a place answers from the cache without a read of the log. */
async function isHitWithoutTheLog(path, init, place, of = world) {
  of.logMode = "error";
  try {
    return (await of.ask(path, init, place)).xCache === "HIT";
  } finally {
    of.logMode = "ok";
    // It looks whether the log is back, and then knows what it has to.
    await of.until(async () => {
      const health = await of.admin("health", { place, token: null });
      return health.json.parts.purge_log.state === "HEALTHY";
    }, "the log is back");
  }
}

afterEach(() => {
  world.logMode = "ok";
});

test("a token is of no use but to be sent back", async () => {
  const { token, cookie } = await write("/api/products/x");
  assert.match(token, TOKEN);
  assert.equal(cookie, `evergraph-purge-test=${token}`);
  const admin = await world.admin("purge", { body: { tags: ["a"] }, token: OLD });
  assert.equal(recordOf(admin.headers.get("evergraph-purge")).seq, admin.json.seq);
  assert.equal(admin.json.seq, recordOf(token).seq + 1);
});

test("a log that loses its storage numbers its records from 1 again, and a client still reads its own write", async () => {
  for (let n = 0; n < 10; n += 1) await write(`/api/products/x${n}`);
  const path = await storedEverywhere();
  const stored = version;
  // All places know a head that the numbers of the new log do not reach.
  const { token: known } = await write("/api/products/x");
  for (const place of [1, 2, 3]) await world.ask(path, showing(known), place);
  const before = recordOf(known);
  world.logName = "another-log";
  const { token, cookie } = await write(path);
  const after = recordOf(token);
  assert.ok(after.epoch > before.epoch && after.seq < before.seq, `${after.seq} ${before.seq}`);

  for (const place of [1, 3]) {
    assert.equal((await world.ask(path, {}, place)).json.version, stored, "who did not write may wait");
  }
  assert.equal((await world.ask(path, showing(token), 1)).json.version, version, "by header");
  assert.equal((await world.ask(path, { headers: { cookie } }, 3)).json.version, version, "by cookie");
  for (const place of [1, 3]) {
    await store(path, place);
    assert.equal((await world.ask(path, showing(token), place)).xCache, "HIT");
    assert.equal((await world.ask(path, { headers: { cookie } }, place)).xCache, "HIT");
  }
  // A token of the log that is no more: it is asked for, and hinders nobody.
  assert.equal(await isHitWithoutTheLog(path, showing(token), 1), true);
  assert.equal(await isHitWithoutTheLog(path, showing(known), 1), false);
  assert.equal((await world.ask(path, showing(known), 1)).xCache, "HIT");
});

test("a token that nobody can verify is asked for and changes nothing", async () => {
  const path = await storedEverywhere();
  const { token } = await write("/api/products/x");
  await world.ask(path, showing(token), 1);
  await store(path, 1);
  const flipped = Buffer.from(token, "base64url");
  flipped[16] ^= 1;
  const tokens = [
    ...["-1", "0", "1.5", "1e3", "", "soon", "1, 2", "null", "18446744073709551615", "9".repeat(400)],
    String(recordOf(token).seq),
    flipped.toString("base64url"),
    token.slice(0, -1),
    `${token}A`,
    `${token}, 7`,
    Array(20).fill(token).join(","),
  ];
  for (const forged of tokens) {
    assert.equal((await world.ask(path, showing(forged), 1)).xCache, "HIT", forged);
    const cookie = `evergraph-purge-test=${forged}`;
    assert.equal((await world.ask(path, { headers: { cookie } }, 1)).xCache, "HIT", cookie);
  }
  assert.equal(await isHitWithoutTheLog(path, showing(token), 1), true, "this one is verified");
  assert.equal(await isHitWithoutTheLog(path, {}, 1), true);
  for (const forged of tokens)
    assert.equal(await isHitWithoutTheLog(path, showing(forged), 1), false, forged);
  // It is the same log, and has given no number for it.
  const next = recordOf((await write("/api/products/x")).token);
  assert.deepEqual(next, { epoch: recordOf(token).epoch, seq: recordOf(token).seq + 1 });
  assert.deepEqual(
    world.events("failure").filter(({ part }) => part === "purge-log-storage"),
    [],
  );
});

test("secrets are replaced one after the other", async () => {
  const path = await storedEverywhere();
  const old = (await write(path, 0)).token;
  for (const place of [1, 2])
    assert.equal((await world.ask(path, showing(old), place)).json.version, version);
  for (const place of [1, 2]) await store(path, place);
  assert.equal(await isHitWithoutTheLog(path, showing(old), 1), true);
  assert.equal(await isHitWithoutTheLog(path, showing(old), 2), true, "it has both secrets");
  const recent = (await write("/api/products/x", 2)).token;
  await world.ask(path, showing(recent), 1);
  assert.equal(await isHitWithoutTheLog(path, showing(recent), 2), true);
  // Who has the old secret alone asks the log, and then knows what the client wrote.
  assert.equal(await isHitWithoutTheLog(path, showing(recent), 1), false);
  const own = (await write(path, 2)).token;
  assert.equal((await world.ask(path, showing(own), 1)).json.version, version);
});

test("without a secret a client reads its own write too", async () => {
  const bare = await open({ places: 2, adminTokens: undefined });
  const path = "/api/products/bare";
  for (const place of [0, 1]) await store(path, place, bare);
  const { token } = await write(path, 0, bare);
  assert.match(token, /^[\w-]{23}$/);
  assert.equal((await bare.ask(path, {}, 1)).json.version, version - 1);
  assert.equal((await bare.ask(path, showing(token), 1)).json.version, version);
  await store(path, 1, bare);
  assert.equal((await bare.ask(path, showing(token), 1)).xCache, "HIT");
});
