// Wasm that panics: the client gets the origin's answer, no write is sent twice, nothing stale.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PANICS, panickingEntry } from "../lib/panics.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  entry: panickingEntry,
  config: { types: { product: { match: ["rest:/api/products/**", "graphql:Query.product"], ttl: 7200 } } },
});

let version = 1;
world.origin.answer = (request, response) => {
  const body =
    request.url === "/graphql" ? { data: { product: { name: `v${version}` } } } : { name: `v${version}` };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
};

/** Each request panics at most once, and at least one of each kind does. */
function countFailures() {
  const failures = () => world.events("failure").filter((event) => event.part === "worker").length;
  const before = failures();
  return () => failures() - before;
}

test("reads get the origin's answer, wherever it happens", async () => {
  const failed = countFailures();
  for (const after of PANICS) {
    const rest = await world.ask(`/api/products/read-${after}`, {
      headers: { "evergraph-panic-after": after },
    });
    assert.deepEqual([rest.status, rest.json], [200, { name: `v${version}` }], after);
    const graphql = await world.graphql(`query R${after} { product { name } }`, {
      headers: { "evergraph-panic-after": after },
    });
    assert.deepEqual(
      [graphql.status, graphql.json],
      [200, { data: { product: { name: `v${version}` } } }],
      after,
    );
  }
  assert.ok(failed() >= 4, "it did happen");
});

test("writes reach the origin exactly once, and purge", async () => {
  const failed = countFailures();
  for (const after of PANICS) {
    await world.ask("/api/products/written");
    const asked = world.origin.requests.length;
    version += 1;
    const write = await world.ask("/api/products/written", {
      method: "PUT",
      body: `{"after":${after}}`,
      headers: { "evergraph-panic-after": after },
    });
    assert.deepEqual([write.status, write.json], [200, { name: `v${version}` }], after);
    assert.deepEqual(
      world.origin.requests.slice(asked).map(({ method, body }) => `${method} ${body}`),
      [`PUT {"after":${after}}`],
    );
    assert.deepEqual(
      (await world.ask("/api/products/written")).json,
      { name: `v${version}` },
      `stale after ${after}`,
    );
  }
  assert.ok(failed() >= 1, "it did happen");
});

test("a read that a header makes a write reaches the origin exactly once, and purges", async () => {
  const failed = countFailures();
  for (const after of PANICS) {
    await world.ask("/api/products/overridden");
    const asked = world.origin.requests.length;
    version += 1;
    const write = await world.ask("/api/products/overridden", {
      headers: { "evergraph-panic-after": after, "x-http-method-override": "DELETE" },
    });
    assert.equal(write.status, 200, after);
    assert.equal(world.origin.requests.length, asked + 1, after);
    const { json } = await world.ask("/api/products/overridden");
    assert.deepEqual(json, { name: `v${version}` }, `stale after ${after}`);
  }
  assert.ok(failed() >= 1, "it did happen");
});

test("mutations reach the origin exactly once with their bodies, and purge", async () => {
  const failed = countFailures();
  for (const after of PANICS) {
    await world.graphql("{ product { name } }");
    const asked = world.origin.requests.length;
    version += 1;
    const write = await world.graphql("mutation { product { name } }", {
      headers: { "evergraph-panic-after": after },
    });
    assert.deepEqual(
      [write.status, write.json],
      [200, { data: { product: { name: `v${version}` } } }],
      after,
    );
    assert.equal(world.origin.requests.length, asked + 1, after);
    assert.deepEqual(
      (await world.graphql("{ product { name } }")).json.data.product,
      { name: `v${version}` },
      after,
    );
  }
  assert.ok(failed() >= 1, "it did happen");
});

test("batches with a mutation reach the origin once, and nobody gets an answer out of its place", async () => {
  const answer = world.origin.answer;
  const element = () => ({ data: { product: { name: `v${version}` } } });
  world.origin.answer = (request, response, body) => {
    const asked = JSON.parse(body);
    if (!Array.isArray(asked)) return answer(request, response);
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify(asked.map((one) => ({ ...element(), of: one.query }))));
  };
  const unknown = { extensions: { persistedQuery: { version: 1, sha256Hash: "0".repeat(64) } } };
  const [query, mutation] = ["{ product { name } }", "mutation { product { name } }"];
  const failed = countFailures();
  for (const batch of [
    [{ query }, { query: mutation }],
    [unknown, { query: mutation }, { query }],
  ]) {
    for (const after of PANICS) {
      await world.graphql(query);
      const asked = world.origin.requests.length;
      version += 1;
      const write = await world.ask("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json", "evergraph-panic-after": after },
        body: JSON.stringify(batch),
      });
      assert.equal(world.origin.requests.length, asked + 1, after);
      if (write.status === 200)
        assert.deepEqual(
          write.json.map((one) => one.of),
          batch.map((one) => one.query),
          after,
        );
      else assert.deepEqual([write.status, batch[0]], [502, unknown], after);
      assert.equal((await world.graphql(query)).json.data.product.name, `v${version}`, after);
    }
  }
  assert.ok(failed() >= 2, "it did happen");
  world.origin.answer = answer;
});

test("a write's purge that the log does not take is in the outbox, and outlives the isolate", async () => {
  const path = "/api/products/kept";
  const inOutbox = () => [...world.kv.entries.keys()].filter((key) => key.startsWith("outbox/test@"));
  await world.ask(path);
  assert.equal((await world.ask(path)).xCache, "HIT");
  version += 1;
  world.logMode = "error";
  // It panics once the origin has answered.
  const headers = { "evergraph-panic-after": "0" };
  const failed = countFailures();
  const write = await world.ask(path, { method: "PUT", body: "{}", headers });
  assert.deepEqual([write.status, write.json, failed()], [200, { name: `v${version}` }, 1]);
  await world.until(() => inOutbox().length === 1, "it is in the outbox");
  await world.restart();
  world.logMode = "ok";
  assert.equal((await world.ask("/the-cron-trigger")).text, "done");
  assert.deepEqual(inOutbox(), []);
  const recorded = world.events("purge").filter(({ source }) => source === "outbox");
  assert.deepEqual([recorded.length, recorded[0].all], [1, true]);
  assert.deepEqual((await world.ask(path)).json, { name: `v${version}` });
});

test("requests that Wasm was busy with fall back as well", async () => {
  const held = [];
  const answer = world.origin.answer;
  world.origin.answer = (request, response) =>
    request.url.includes("held") ? held.push(() => answer(request, response)) : answer(request, response);
  const release = () => {
    for (const answerNow of held.splice(0)) answerNow();
  };
  const slow = Array.from({ length: 4 }, (_, n) => world.ask(`/api/products/held-${n}`));
  await world.until(() => held.length === 4, "four reads are under way");
  await world.ask("/api/products/panic", { headers: { "evergraph-panic-after": "0" } });
  // They are asked for again, and held again.
  const releasing = setInterval(release, 20);
  try {
    for (const reply of await Promise.all(slow))
      assert.deepEqual([reply.status, reply.json], [200, { name: `v${version}` }]);
  } finally {
    clearInterval(releasing);
    world.origin.answer = answer;
  }
  assert.equal((await world.ask("/api/products/after")).status, 200);
});
