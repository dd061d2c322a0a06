// Purges in the form of other caches: Souin, Varnish, Fastly and Apollo Router.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { TOKEN } from "../lib/purge-token.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const config = {
  types: { api: { match: ["rest:/api/**"], ttl: 300, swr: 60 } },
  purge: { max_lag: 2 },
};
const world = await startWorld({
  places: 2,
  // The second place is another deployment, without the methods that purge.
  configs: [{ ...config, purge: { max_lag: 2, methods: true } }, config],
});
const REFUSED_BY_ORIGIN = "evergraph; fwd=method; fwd-status=400; detail=method";
const bearer = { authorization: `Bearer ${ADMIN_TOKEN}` };
const PATHS = ["/api/books/1", "/api/books", "/api/books-archive/1"];

beforeEach(async () => {
  world.origin.answer = (request, response) => {
    const tags = request.url.endsWith("/1") ? `${request.url.slice(4)}, shelf` : "books";
    response.writeHead(200, { "content-type": "application/json", "surrogate-key": tags }).end("{}");
  };
  await world.admin("purge", { body: { all: true } });
  for (const path of PATHS) await world.ask(path);
});

/** Which of the paths have been purged. */
async function purged() {
  const found = await Promise.all(PATHS.map(async (path) => [path, (await world.ask(path)).xCache]));
  return found.filter(([, xCache]) => xCache !== "HIT").map(([path]) => path);
}

test("Souin: PURGE with Surrogate-Key, as API Platform sends it", async () => {
  const response = await world.ask("/__evergraph/souin", {
    method: "PURGE",
    headers: { ...bearer, "surrogate-key": "/books/1, /books/7" },
  });
  assert.deepEqual([response.status, response.text], [204, ""]);
  assert.match(response.headers.get("evergraph-purge"), TOKEN);
  assert.deepEqual(await purged(), ["/api/books/1"]);
  const without = await world.ask("/__evergraph/souin", { method: "PURGE", headers: bearer });
  assert.equal(without.status, 400);
});

test("Varnish: PURGE of a path, and BAN of all that is below", async () => {
  const asked = world.origin.requests.length;
  const purge = await world.ask("/api/books?page=2", { method: "PURGE", headers: bearer });
  assert.deepEqual([purge.status, purge.json.tags], [200, 1]);
  assert.equal(world.origin.requests.length, asked, "the origin does not see it");
  assert.deepEqual(await purged(), ["/api/books"]);
  const ban = await world.ask("/api/books", { method: "BAN", headers: bearer });
  assert.deepEqual([ban.status, ban.json.patterns], [200, 1]);
  assert.deepEqual(await purged(), ["/api/books/1", "/api/books"]);
  const soft = await world.ask("/api/books", {
    method: "PURGE",
    headers: { ...bearer, "fastly-soft-purge": "1" },
  });
  assert.equal(soft.status, 200);
  assert.equal((await world.ask("/api/books")).xCache, "STALE");
});

test("Varnish: without a token nothing is purged, and nothing reaches the origin", async () => {
  const asked = world.origin.requests.length;
  for (const method of ["PURGE", "BAN"]) {
    const response = await world.ask("/api/books", { method });
    assert.equal(response.status, 401, method);
  }
  assert.equal(world.origin.requests.length, asked);
  assert.deepEqual(await purged(), []);
});

test("Varnish: while it is switched off, an admin token does not reach the origin", async () => {
  const asked = world.origin.requests.length;
  for (const method of ["PURGE", "BAN"]) {
    const response = await world.ask("/api/books", { method, headers: bearer }, 1);
    assert.equal(response.status, 501, method);
    assert.match(response.json.error, /purge\.methods = true/);
  }
  assert.equal(world.origin.requests.length, asked);
});

test("Varnish: unless it is switched on, the methods are the origin's", async () => {
  const seen = () => world.origin.requests.some((request) => request.method === "PURGE");
  assert.ok(!seen());
  assert.equal((await world.ask("/api/books", { method: "PURGE" }, 1)).xCache, "BYPASS");
  assert.ok(seen());
  // Node.js, on which the origin of these tests runs, refuses this one itself.
  assert.equal((await world.ask("/api/books", { method: "BAN" }, 1)).cacheStatus, REFUSED_BY_ORIGIN);
});

test("Fastly: purges by one key, by several, and of everything", async () => {
  const post = (path, headers = {}, body = undefined) =>
    world.ask(`/__evergraph/service/shop/${path}`, {
      method: "POST",
      headers: { "fastly-key": ADMIN_TOKEN, ...headers },
      body,
    });
  const one = await post("purge/%2Fbooks%2F1");
  assert.deepEqual([one.status, one.json.status, typeof one.json.id], [200, "ok", "string"]);
  assert.deepEqual(await purged(), ["/api/books/1"]);
  const several = await post("purge", {}, JSON.stringify({ surrogate_keys: ["/books/1", "books"] }));
  assert.deepEqual(Object.keys(several.json).sort(), ["/books/1", "books"]);
  assert.deepEqual(await purged(), ["/api/books/1", "/api/books"]);
  const byHeader = await post("purge", { "surrogate-key": "shelf none" });
  assert.deepEqual(Object.keys(byHeader.json).sort(), ["none", "shelf"]);
  assert.deepEqual(await purged(), ["/api/books/1", "/api/books-archive/1"]);
  assert.deepEqual((await post("purge_all")).json, { status: "ok" });
  assert.deepEqual(await purged(), PATHS);
  assert.equal((await post("purge_all", { "fastly-key": "wrong" })).status, 401);
  assert.equal((await post("purge", {}, "{")).status, 400);
});

test("Apollo Router: a list of invalidations", async () => {
  const post = (list, authorization = ADMIN_TOKEN) =>
    world.ask("/__evergraph/invalidation", {
      method: "POST",
      headers: { authorization },
      body: JSON.stringify(list),
    });
  const byTag = await post([{ kind: "cache_tag", subgraphs: ["books"], cache_tag: "shelf" }]);
  assert.deepEqual([byTag.status, byTag.json], [202, { count: 1 }]);
  assert.deepEqual(await purged(), ["/api/books/1", "/api/books-archive/1"]);
  const unknown = await post([{ kind: "planet" }]);
  assert.equal(unknown.status, 400);
  assert.match(unknown.json.error, /expected a list of invalidations/);
  assert.equal((await post([{ kind: "subgraph", subgraph: "books" }], "wrong")).status, 401);
  assert.deepEqual(await purged(), []);
  assert.equal((await post([{ kind: "subgraph", subgraph: "books" }])).status, 202);
  assert.deepEqual(await purged(), PATHS);
});
