// What Evergraph does about parts that fail, and what it shows of them. What clients see, row by row, is
// in table.test.mjs.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startWorld } from "../lib/world.mjs";

const TIMEOUT = 100;
const config = {
  types: {
    product: { match: ["rest:/api/products/**"], ttl: 7200 },
  },
  kv: { timeout_ms: TIMEOUT },
  purge: { max_lag: 1 },
  log: { hits: 1 },
};
const world = await startWorld({ config });

let paths = 0;
const newPath = () => {
  paths += 1;
  return `/api/products/${paths}`;
};

let count = 0;
const answers = (request, response) => {
  count += 1;
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ path: request.url, count }));
};
beforeEach(() => {
  world.origin.answer = answers;
});
afterEach(async () => {
  world.origin.answer = answers;
  for (const store of [world.kv, ...world.caches]) store.mode = "ok";
  world.logMode = "ok";
  // The breakers of a part that failed close with its next good answer.
  await world.until(async () => {
    await world.ask(newPath());
    return (await world.admin("health")).json.state === "HEALTHY";
  }, "all is well again");
});

async function isTheOrigins(answer) {
  assert.equal(answer.status, 200);
  assert.deepEqual(Object.keys(answer.json), ["path", "count"]);
}

test("KV that hangs is asked beside the origin, and then left alone for a while", async () => {
  world.kv.mode = "hang";
  for (let n = 0; n < 5; n += 1) await world.ask(newPath());
  const reads = world.kv.reads;
  for (let n = 0; n < 5; n += 1) await isTheOrigins(await world.ask(newPath()));
  assert.equal(world.kv.reads, reads);
  const health = await world.admin("health", { token: null });
  assert.deepEqual([health.status, health.json.state, health.json.parts.kv.state], [200, "DEGRADED", "DOWN"]);
});

test("KV that is slow answers first where the origin is slower still", async () => {
  const path = newPath();
  const first = await world.ask(path);
  await world.until(
    () => [...world.kv.entries.keys()].some((key) => key.includes(`~${path.split("/").pop()}/`)),
    "it is in KV",
  );
  await world.restart();
  world.caches[0].entries.clear();
  world.kv.mode = "slow";
  world.origin.answer = async (request, response) => {
    await wait(world.kv.slowMillis * 5);
    answers(request, response);
  };
  const second = await world.ask(path);
  assert.equal(second.text, first.text);
  assert.match(second.cacheStatus, /hit.*detail=kv$/);
});

test("a purge whose confirmation is lost is recorded all the same", async () => {
  const path = newPath();
  const before = await world.ask(path);
  world.logMode = "lost-reply";
  assert.equal((await world.ask(path, { method: "DELETE" })).status, 200);
  world.logMode = "ok";
  await wait(1_100);
  assert.notEqual((await world.ask(path)).text, before.text);
});

test("the admin learns that a purge was not recorded", async () => {
  world.logMode = "error";
  assert.equal((await world.admin("purge", { body: { all: true } })).status, 503);
});

test("a read is tried once more where the connection breaks, a write never", async () => {
  const breaksOnce = () => {
    let broken = false;
    world.origin.answer = (request, response) => {
      if (broken) return answers(request, response);
      broken = true;
      return request.socket.destroy();
    };
  };
  breaksOnce();
  assert.equal((await world.ask(newPath())).status, 200);
  breaksOnce();
  const asked = world.origin.requests.length;
  assert.equal((await world.ask(newPath(), { method: "POST", body: "{}" })).status, 502);
  assert.equal(world.origin.requests.length, asked + 1);
});

test("health is DOWN where a store and the origin fail, and names the reasons", async () => {
  world.kv.mode = "error";
  world.origin.answer = (request) => request.socket.destroy();
  await world.ask(newPath());
  const health = await world.admin("health", { token: null });
  const { state, parts } = health.json;
  assert.deepEqual([health.status, state, parts.kv.state, parts.origin.state], [503, "DOWN", "DOWN", "DOWN"]);
  assert.ok(parts.kv.reason.length > 0 && parts.origin.reason.length > 0);
  world.kv.mode = "ok";
  // Whoever has a token is told how KV is now; requests without one share a read for a few seconds.
  assert.equal((await world.admin("health")).json.state, "DEGRADED");
});

test("a breaker that opens shows in the statistics, and closes again", async () => {
  const breakers = async () => (await world.admin("stats")).json.breakers;
  world.kv.mode = "error";
  const isOpen = async () => {
    await isTheOrigins(await world.ask(newPath()));
    return (await breakers()).kv === "open";
  };
  await world.until(isOpen, "KV is left alone");
  world.kv.mode = "ok";
  // The health route looks whether it is back, and whether it is quick enough for look-ups.
  await world.until(async () => {
    assert.equal((await world.admin("health")).json.state, "HEALTHY");
    return (await breakers()).kv === "closed";
  }, "KV is used again");
});

test("the edge cache's breaker closes again, though the log is read meanwhile", async () => {
  const breaker = async () => (await world.admin("stats")).json.breakers.edge_cache;
  world.caches[0].mode = "reset";
  const isOpen = async () => {
    await isTheOrigins(await world.ask(newPath()));
    return (await breaker()) === "open";
  };
  await world.until(isOpen, "it is left alone");
  world.caches[0].mode = "ok";
  const isClosed = async () => {
    // What the log says goes to the edge cache.
    await world.admin("health");
    await world.ask(newPath());
    return (await breaker()) === "closed";
  };
  await wait(5_000);
  await world.until(isClosed, "it is asked again");
});

test("statistics count what was answered, by cache type", async () => {
  await world.graphql("{ a }");
  const before = (await world.admin("stats")).json;
  const path = newPath();
  await world.ask(path);
  await world.ask(path);
  await world.ask("/elsewhere", { headers: { authorization: "Bearer x" } });
  const after = (await world.admin("stats")).json;
  const grown = (name) => after[name] - before[name];
  assert.deepEqual(["hits", "misses", "bypass", "total_requests"].map(grown), [1, 1, 1, 3]);
  assert.equal(after.by_type.product.hits - before.by_type.product.hits, 1);
  assert.equal(after.counted_by, "isolate");
  assert.deepEqual(after.breakers, { kv: "closed", edge_cache: "closed", purge_log: "closed" });
  assert.deepEqual(after.limits.batch, { limit: 50, highest: 0 });
  assert.equal(after.limits.tokens.limit, 20_000);
  assert.ok(after.limits.tokens.highest > 0 && after.limits.bytes.highest > 0);
});

test("log lines are JSON, one a line, without secrets, bodies or query strings", async () => {
  await world.ask("/api/products/logged?token=secret-in-query", {
    headers: { authorization: "Bearer secret-token", cookie: "s=secret-cookie" },
  });
  await world.graphql('query Logged { a(x: "secret-argument") }', { variables: { v: "secret-variable" } });
  await world.ask("/api/products/1", { method: "PUT", body: "secret-body" });
  for (const name of ["hit", "miss", "bypass", "purge", "failure"])
    assert.ok(world.events(name).length > 0, name);
  assert.ok(!world.output.includes("secret-"));
});
