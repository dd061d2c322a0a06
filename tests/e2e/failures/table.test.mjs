// What clients see when a part fails, row by row as docs/operations.md has it: many of them at once,
// and in two places. What else Evergraph does then is tested in failing.test.mjs.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { PANICS, panickingEntry } from "../lib/panics.mjs";
import { TOKEN } from "../lib/purge-token.mjs";
import { startWorld } from "../lib/world.mjs";

const CLIENTS = 20;
const PLACES = [0, 1];
const world = await startWorld({
  places: PLACES.length,
  entry: panickingEntry,
  config: {
    types: {
      product: { match: ["rest:/api/products/**", "graphql:Query.product"], ttl: 7200 },
      short: { match: ["rest:/api/short/**"], ttl: 1, sie: 600 },
    },
    kv: { timeout_ms: 100 },
    origin_timeout: { read_ms: 500 },
    purge: { max_lag: 1 },
  },
});

let paths = 0;
const newPath = (under = "products") => {
  paths += 1;
  return `/api/${under}/${paths}`;
};

let version = 0;
const answers = (request, response) =>
  response
    .writeHead(200, { "content-type": "application/json" })
    .end(JSON.stringify({ path: request.url, version }));

/** The answers of many clients at once, every other one in the other place. */
const crowd = (ask) => Promise.all(Array.from({ length: CLIENTS }, (_, n) => ask(n % PLACES.length, n)));

/** An entry that every place serves. */
async function storedEverywhere(under) {
  const path = newPath(under);
  for (const place of PLACES) {
    const isHit = async () => (await world.ask(path, {}, place)).xCache === "HIT";
    await world.until(isHit, "it is stored");
  }
  return path;
}

function areTheOrigins(all, path) {
  for (const answer of all) {
    assert.deepEqual([answer.status, answer.json.version], [200, version], answer.cacheStatus);
    if (path) assert.equal(answer.json.path, path);
  }
}

beforeEach(() => {
  version += 1;
  world.origin.answer = answers;
});
afterEach(async () => {
  world.origin.answer = answers;
  await world.origin.listenAgain();
  for (const store of [world.kv, ...world.caches]) store.mode = "ok";
  world.logMode = "ok";
  // The breakers of a part that failed close with its next good answer.
  for (const place of PLACES) {
    const isWell = async () => {
      await world.ask(newPath(), {}, place);
      return (await world.admin("health", { place })).json.state === "HEALTHY";
    };
    await world.until(isWell, "all is well again");
  }
});

for (const mode of ["error", "hang", "reset", "garbage", "slow"]) {
  test(`KV cannot be read (${mode}): the origin's answer`, async () => {
    const path = await storedEverywhere();
    // It is in KV alone now.
    for (const cache of world.caches) cache.entries.clear();
    await world.restart();
    world.kv.mode = mode;
    version += 1;
    areTheOrigins(await crowd((place) => world.ask(path, {}, place)), path);
    areTheOrigins(await crowd((place) => world.ask(newPath(), {}, place)));
    const again = await crowd((place) => world.ask(path, {}, place));
    for (const { xCache } of again) assert.equal(xCache, "HIT", "memory goes on");
  });
}

for (const mode of ["read-only", "lose"]) {
  test(`KV cannot be written (${mode}): nothing`, async () => {
    world.kv.mode = mode;
    const path = newPath();
    areTheOrigins(await crowd((place) => world.ask(path, {}, place)), path);
    const again = await crowd((place) => world.ask(path, {}, place));
    for (const { xCache } of again) assert.equal(xCache, "HIT");
  });
}

for (const mode of ["error", "hang", "reset", "garbage", "slow", "read-only", "lose"]) {
  test(`the edge cache fails (${mode}): as a miss`, async () => {
    const path = await storedEverywhere();
    world.kv.entries.clear();
    await world.restart();
    for (const cache of world.caches) {
      cache.mode = mode;
      // Where it is only written to in vain it would be right to serve what it has.
      cache.entries.clear();
    }
    version += 1;
    areTheOrigins(await crowd((place) => world.ask(path, {}, place)), path);
    areTheOrigins(await crowd((place) => world.ask(newPath(), {}, place)));
  });
}

for (const mode of ["error", "hang", "garbage", "cut", "damaged", "future", "damaged-question"]) {
  test(`the log cannot be read (${mode}): hits for max_lag, then misses, then hits again`, async () => {
    const path = await storedEverywhere();
    for (const place of PLACES) await world.admin("health", { place });
    world.logMode = mode;
    const served = await crowd((place) => world.ask(path, {}, place));
    for (const { xCache } of served) assert.equal(xCache, "HIT");
    version += 1;
    for (const place of PLACES) {
      const ends = async () => (await world.ask(path, {}, place)).xCache !== "HIT";
      await world.until(ends, "hits end");
    }
    const misses = await crowd((place) => world.ask(path, {}, place));
    areTheOrigins(misses, path);
    for (const { cacheStatus } of misses) assert.match(cacheStatus, /fwd=miss.*detail=log-unreadable$/);
    world.logMode = "ok";
    for (const place of PLACES) {
      const isHit = async () => (await world.ask(path, {}, place)).xCache === "HIT";
      await world.until(isHit, "hits come back");
    }
  });
}

test("the log cannot be read by new isolates: nothing is served or stored", async () => {
  const path = await storedEverywhere();
  version += 1;
  world.logMode = "error";
  await world.restart();
  for (let n = 0; n < 2; n += 1) {
    const all = await crowd((place) => world.ask(path, {}, place));
    areTheOrigins(all, path);
    for (const { cacheStatus } of all)
      assert.equal(cacheStatus, "evergraph; fwd=miss; fwd-status=200; detail=log-unreadable");
  }
});

test("the log cannot be written: the write's answer, purge-pending, and the outbox", async () => {
  const path = await storedEverywhere();
  const asked = world.origin.requests.length;
  world.logMode = "read-only";
  version += 1;
  const writes = await crowd((_place, n) => world.ask(`${path}?${n}`, { method: "PUT", body: "{}" }));
  areTheOrigins(writes);
  for (const { headers, cacheStatus } of writes) {
    assert.equal(cacheStatus, "evergraph; fwd=method; fwd-status=200; detail=purge-pending");
    assert.equal(headers.get("evergraph-purge"), null);
  }
  assert.equal(world.origin.requests.length, asked + CLIENTS, "each arrives once");
  areTheOrigins(await crowd(() => world.ask(path)), path);
  const inOutbox = () => [...world.kv.entries.keys()].filter((key) => key.startsWith("outbox/test@"));
  await world.until(() => inOutbox().length === CLIENTS, "all are in the outbox");
  world.logMode = "ok";
  const isEmpty = async () => {
    await world.ask(path);
    return inOutbox().length === 0;
  };
  await world.until(isEmpty, "all are recorded");
  const isNew = async () => (await world.ask(path, {}, 1)).json.version === version;
  await world.until(isNew, "the other place knows of them");
});

/** How an origin fails, and what clients get of it: a status, and an error of Evergraph's own or not. */
const ORIGIN_FAILURES = [
  ["5xx", () => world.origin.says(503, {}, "down"), 503, null],
  ["refuses", () => world.origin.refuse(), 502, "the origin cannot be reached"],
  [
    "resets",
    () => {
      world.origin.answer = (request) => request.socket.destroy();
    },
    502,
    "the origin cannot be reached",
  ],
  [
    "hangs",
    () => {
      world.origin.answer = () => {};
    },
    504,
    "the origin did not answer in time",
  ],
];

for (const [how, fail, status, error] of ORIGIN_FAILURES) {
  test(`the origin fails (${how}): the stale entry within sie`, async () => {
    const path = await storedEverywhere("short");
    await fail();
    const areStale = async () => {
      const all = await crowd((place) => world.ask(path, {}, place));
      areTheOrigins(all, path);
      return all.every(({ xCache }) => xCache === "STALE");
    };
    await world.until(areStale, "it is stale");
    await world.admin("purge", { body: { paths: [path] } });
    for (const answer of await crowd(() => world.ask(path)))
      assert.equal(answer.status, status, "nothing revives what was purged");
  });

  test(`the origin fails (${how}): without a stale entry its own answer, or a JSON error`, async () => {
    await fail();
    const asks = [
      (place) => world.ask(newPath(), {}, place),
      (place) => world.graphql("{ product { name } }", { place }),
    ];
    // A write that hangs is waited for only as long as configured.
    if (how !== "hangs") asks.push((place) => world.ask(newPath(), { method: "PUT", body: "{}" }, place));
    for (const ask of asks) {
      for (const answer of await crowd(ask)) {
        assert.equal(answer.status, status);
        if (error === null) assert.equal(answer.text, "down");
        else assert.deepEqual(answer.json, { error });
        if (error !== null) assert.match(answer.cacheStatus, /detail=origin-failed$/);
      }
    }
  });
}

test("the worker panics: the origin's answer, and each write once", async () => {
  // Each row writes to its own path, so that one row's purge cannot hide the lack of another's.
  const all = await Promise.all(Array.from({ length: CLIENTS }, () => storedEverywhere()));
  const panics = () => world.events("failure").filter(({ part }) => part === "worker").length;
  const before = panics();
  for (const after of PANICS) {
    const headers = { "evergraph-panic-after": after };
    areTheOrigins(await crowd((place) => world.ask(newPath(), { headers }, place)));
    version += 1;
    const asked = world.origin.requests.length;
    const put = (place, n) => world.ask(all[n], { method: "PUT", body: "{}", headers }, place);
    areTheOrigins(await crowd(put));
    const arrived = world.origin.requests.slice(asked).map(({ url }) => url);
    assert.deepEqual(new Set(arrived).size, arrived.length, "no write is sent twice");
    assert.equal(arrived.length, CLIENTS);
    const areNew = async () => {
      const read = await crowd((place, n) => world.ask(all[n], {}, place));
      return read.every(({ json }) => json.version === version);
    };
    await world.until(areNew, "what was written shows");
  }
  assert.ok(panics() > before, "it did happen");
});

for (const [what, query] of [
  ["cannot be parsed", "{ product { name "],
  ["is over a limit", `{ ${"a ".repeat(30_000)} }`],
]) {
  test(`a document ${what}: it passes, and purges if it may be a mutation`, async () => {
    const path = await storedEverywhere();
    const all = await crowd((place) => world.graphql(query, { place }));
    areTheOrigins(all, "/graphql");
    for (const { xCache } of all) assert.equal(xCache, "BYPASS");
    const arrived = world.origin.requests.filter(({ body }) => body.toString() === JSON.stringify({ query }));
    assert.equal(arrived.length, CLIENTS, "as they came");
    for (const place of PLACES) assert.equal((await world.ask(path, {}, place)).xCache, "HIT");
    version += 1;
    const writes = await crowd(() => world.graphql(`mutation ${query}`));
    for (const { headers } of writes) assert.match(headers.get("evergraph-purge"), TOKEN);
    areTheOrigins(await crowd(() => world.ask(path)), path);
    const isNew = async () => (await world.ask(path, {}, 1)).json.version === version;
    await world.until(isNew, "the other place knows of it");
  });
}
