// What an operator does with stored entries: list them in KV, preview a purge, and warm them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: {
      product: { match: ["rest:/api/products/**"], ttl: 7200, tags: ["catalog"] },
      search: { match: ["graphql:Query.search"], ttl: 600 },
    },
    resources: [{ path: "/api/products/:id", tags: ["Product", "Product:{id}"] }],
    kv: { writes: "never" },
    purge: { max_lag: 1 },
  },
  adminTokens: "test-admin-token,viewer:read:a-token-that-reads,ci:purge:a-token-that-purges",
});
const READER = "a-token-that-reads";
const PURGER = "a-token-that-purges";
world.origin.answer = (request, response) => {
  const status = request.url.includes("down") ? 503 : 200;
  const type = request.url.startsWith("/graphql") ? "application/json" : "text/html";
  const cart = request.url.includes("cart") ? { "cache-control": "no-store" } : {};
  response
    .writeHead(status, { "content-type": type, ...cart })
    .end(type === "text/html" ? "<script>1</script>" : '{"data":{"search":"found"}}');
};

const product = (id) => ({ url: `/api/products/${id}` });
const search = { url: "/graphql", body: { query: "query Search { search }" } };
const list = async (query = "", token = READER) => await world.admin(`entries?${query}`, { token });

test("warming stores responses for all data centers, and only what is looked up", async () => {
  const requests = [product(1), product(2), search, { url: "/graphql", body: { query: "mutation { a }" } }];
  requests.push({ url: "/api/cart" }, { url: world.url("/api/products/3") });
  const warmed = await world.admin("warm", { body: { requests }, token: PURGER });
  assert.equal(warmed.status, 200, warmed.text);
  const { results, ...counts } = warmed.json;
  assert.deepEqual(counts, {
    warmed: 4,
    already_fresh: 0,
    skipped: 2,
    failed: 0,
    kv_writes: 4,
    remaining: null,
  });
  assert.deepEqual(
    results.map(({ outcome, reason }) => reason ?? outcome),
    ["warmed", "warmed", "warmed", "mutation", "no-store", "warmed"],
  );
  assert.equal(results[2].operation, "Search");
  const asked = world.origin.requests.filter(({ url }) => url === "/graphql");
  assert.equal(asked.length, 1, "the mutation was not sent");
  const reads = world.origin.requests.filter(({ url }) => url.startsWith("/api/products/"));
  assert.deepEqual(
    reads.map(({ method, headers }) => [method, headers["content-length"], headers["content-type"]]),
    Array(3).fill(["GET", undefined, undefined]),
    "nothing of the administrator's request",
  );
  assert.ok(reads.every(({ headers }) => headers.authorization === undefined));
  // Another data center has neither the memory nor the edge cache of this one.
  world.caches[0].entries.clear();
  await world.restart();
  const there = await world.ask("/api/products/1", { headers: { accept: "*/*" } });
  assert.deepEqual([there.xCache, there.cacheStatus.includes("detail=kv")], ["HIT", true]);
  const here = await world.graphql("query Search { search }", { headers: { accept: "*/*" } });
  assert.equal(here.xCache, "HIT");
  const again = await world.admin("warm", { body: [product(1), search], token: PURGER });
  assert.deepEqual([again.json.already_fresh, again.json.warmed, again.json.kv_writes], [2, 0, 0]);
});

test("entries are listed with their metadata, page by page", async () => {
  const all = (await list()).json;
  assert.equal(all.cursor, null);
  assert.deepEqual(
    all.entries.map(({ kind, type, name }) => `${kind} ${type} ${name}`),
    ["gql search Search", "rest product api~products~1", "rest product api~products~2"].concat(
      "rest product api~products~3",
    ),
  );
  const [, entry] = all.entries;
  assert.deepEqual(
    [entry.scope, entry.ttl, entry.bytes, entry.verdict, entry.tags_complete],
    ["public", 7200, 18, "valid", true],
  );
  assert.ok(entry.tags.includes("Product:1") && entry.tags.includes("catalog"), entry.tags.join());
  assert.ok(Math.abs(Date.now() - entry.stored_at) < 600_000);
  const first = (await list("pattern=rest/product/**&limit=2")).json;
  assert.equal(first.entries.length, 2);
  const second = (await list(`pattern=rest/product/**&limit=2&cursor=${encodeURIComponent(first.cursor)}`))
    .json;
  assert.deepEqual([second.entries.length, second.cursor], [1, null]);
  // What an earlier version has stored has no metadata.
  const old = entry.key.replace(/[0-9a-f]{64}$/, "0".repeat(64));
  world.kv.entries.set(old, Buffer.from("a value"));
  const listed = (await list("pattern=rest/product/**")).json.entries.find(({ key }) => key === old);
  assert.deepEqual([listed.ttl, listed.tags, listed.verdict], [null, [], null]);
  world.kv.entries.delete(old);
});

test("one entry is shown, and its body only to the role admin", async () => {
  const [{ key }] = (await list("pattern=rest/*/api~products~1/**")).json.entries;
  const query = `key=${encodeURIComponent(key)}`;
  const detail = (await list(query)).json;
  assert.deepEqual([detail.key, detail.status, detail.content_type], [key, 200, "text/html"]);
  assert.equal((await list(`${query}&body=1`)).status, 403);
  const body = await world.admin(`entries?${query}&body=1`);
  assert.equal(body.text, "<script>1</script>");
  assert.deepEqual(
    ["content-disposition", "x-content-type-options"].map((name) => body.headers.get(name)),
    ["attachment", "nosniff"],
  );
  assert.match(body.headers.get("content-security-policy"), /sandbox/);
  assert.equal((await list("key=outbox/test/1")).status, 400);
});

test("a preview says what the purge then does", async () => {
  const names = async (body) => {
    const got = await world.admin("purge", { body: { ...body, preview: true }, token: PURGER });
    assert.equal(got.status, 200, got.text);
    const { entries } = got.json;
    assert.deepEqual([got.json.preview, entries.maybe, entries.is_complete], [true, 0, true]);
    assert.equal(entries.keys.length, entries.count);
    return entries.keys.map((key) => key.split("/")[4]);
  };
  // The search shows no type, so a purge of any entity purges it too.
  assert.deepEqual(await names({ tags: ["Product:1"] }), ["Search", "api~products~1"]);
  assert.deepEqual(await names({ paths: ["/api/products/1"] }), ["api~products~1"]);
  assert.equal((await names({ types: ["product"] })).length, 3);
  assert.deepEqual(await names({ patterns: ["gql/**"] }), ["Search"]);
  assert.equal((await names({ all: true })).length, 4);
  assert.equal((await list()).json.entries.filter(({ verdict }) => verdict === "purged").length, 0);
  await world.admin("purge", { body: { tags: ["Product:1"] }, token: PURGER });
  const purged = (await list()).json.entries.filter(({ verdict }) => verdict === "purged");
  assert.deepEqual(
    purged.map(({ name }) => name),
    ["Search", "api~products~1"],
  );
  assert.deepEqual(await names({ tags: ["Product:1"] }), [], "it is purged already");
});

test("warming goes on where the call before ended, and leaves a failing origin alone", async () => {
  const asked = () => world.origin.requests.length;
  const before = asked();
  const requests = Array.from({ length: 18 }, (_, n) => product(100 + n));
  let body = { requests, concurrency: 4, budget: { kv_writes: 3 } };
  let calls = 0;
  let kvWrites = 0;
  while (body !== null) {
    const { json } = await world.admin("warm", { body, token: PURGER });
    calls += 1;
    kvWrites += json.kv_writes;
    body = json.remaining;
  }
  assert.deepEqual([calls, asked() - before, kvWrites], [3, 18, 3]);
  const failing = Array.from({ length: 6 }, (_, n) => ({ url: `/api/products/down/${n}` }));
  const { json } = await world.admin("warm", { body: { requests: failing, concurrency: 1 }, token: PURGER });
  assert.deepEqual([json.failed, json.stopped], [3, "origin-failing"]);
  assert.equal(json.remaining.requests.length, 3);
});

test("routes that change or show something need their role, and malformed requests change nothing", async () => {
  assert.equal((await world.admin("warm", { body: { requests: [] }, token: READER })).status, 403);
  assert.equal((await world.admin("pause", { body: {}, token: READER })).status, 403);
  assert.equal((await list("", "wrong")).status, 401);
  for (const [body, path] of [
    [{ requests: [{ url: "https://other.example/" }] }, "requests[0].url"],
    [{ requests: [{ url: "/", method: "DELETE" }] }, "requests[0].method"],
    [{ top: 5, concurrency: 99 }, "concurrency"],
    [[product(1), { url: "//other.example/" }], "[1].url"],
    ['"/"', ""],
  ]) {
    const got = await world.admin("warm", { body, token: PURGER });
    assert.deepEqual([got.status, got.json.path], [400, path]);
  }
  for (const query of ["limit=0", "pattern=shop/**", "body=2&key=x"]) {
    assert.equal((await list(query)).status, 400, query);
  }
});

test("KV that cannot be listed or read is a 503 that says so, and nothing is purged", async () => {
  const [{ key }] = (await list("pattern=rest/*/api~products~2/**")).json.entries;
  const asked = [
    () => list(),
    () => list(`key=${encodeURIComponent(key.replace(/[0-9a-f]{64}$/, "0".repeat(64)))}`),
    () => world.admin("purge", { body: { all: true, preview: true }, token: PURGER }),
  ];
  for (const mode of ["error", "reset", "garbage"]) {
    world.kv.mode = mode;
    for (const [n, ask] of asked.entries()) {
      const { status, text } = await ask();
      // A value that is garbage is none.
      assert.equal(status, mode === "garbage" && n === 1 ? 404 : 503, `${mode} ${n}: ${text}`);
      if (status === 503) assert.match(text, /^\{"error":"KV could not be (listed|read); try again: /);
    }
  }
  world.kv.mode = "ok";
  const [entry] = (await list("pattern=rest/*/api~products~2/**")).json.entries;
  assert.deepEqual([entry.key, entry.verdict], [key, "valid"]);
});
