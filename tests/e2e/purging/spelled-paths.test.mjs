// Key narrowly, purge widely: an origin that takes many spellings of a path for one.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ask, say } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: {
      api: { match: ["rest:/api/**"], ttl: 600, scope: "everyone" },
      account: { match: ["rest:/api/account/**"], ttl: 600, scope: "user" },
      any: { match: ["graphql:Query.product"], ttl: 600, scope: "everyone" },
    },
    scopes: { everyone: { by: [] }, user: { by: ["cookie:sid"] } },
    bypass: ["/auth/*"],
    mutations: { policy: "entity" },
    resources: [{ path: "/api/products/:id", tags: ["Product:{id}"] }],
    purge: { max_lag: 60 },
  },
});

/** A path as the origin understands it: decoded as long as that changes it, and folded. */
function understood(url) {
  let path = url.split("?")[0];
  for (let n = 0; n < 3; n += 1) path = decodeURIComponent(path.replace(/%(?![0-9a-f]{2})/gi, "%25"));
  const segments = [];
  for (const segment of path.replaceAll("\\", "/").split("\0")[0].split("/")) {
    const name = segment.split(";")[0].trim().toLowerCase();
    if (name === "..") segments.pop();
    else if (name !== "" && name !== ".") segments.push(name);
  }
  return `/${segments.join("/")}`;
}

let versions;
beforeEach(async () => {
  versions = { 42: 0, 43: 0 };
  world.origin.answer = (request, response, body) => {
    const path = understood(request.url);
    const json = (value) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    const of = (id) => ({ __typename: "Product", id: String(id), version: versions[id] });
    if (path === "/graphql") {
      const text = body.toString() || decodeURIComponent(request.url);
      if (text.includes("mutation")) versions[42] += 1;
      return json({ data: { [text.includes("mutation") ? "renameProduct" : "product"]: of(42) } });
    }
    if (path === "/api/account/me") return json({ cookie: request.headers.cookie ?? "nobody" });
    const id = /^\/api\/products\/(\d+)$/.exec(path)?.[1];
    if (id === undefined) return json({ path });
    if (request.method !== "GET") versions[id] += 1;
    return json(of(id));
  };
  await world.admin("purge", { body: { all: true } });
});

const get = (path, headers = {}) => ask(world.url(path), { headers });
const send = (method, path, body = "{}", headers = {}) =>
  ask(world.url(path), { method, body, headers: { "content-length": Buffer.byteLength(body), ...headers } });
const HOST = new URL(world.url("/")).host;
const settle = () => world.admin("health");
const QUERY = "{ product { __typename id version } }";
const query = (path = "/graphql", text = QUERY) =>
  send("POST", path, JSON.stringify({ query: text }), { "content-type": "application/json" });
const versionOf = (answer) => JSON.parse(answer.text).version;

/** Fills the cache with both products and the query, and sees that each is a hit. */
async function stored() {
  const reads = [() => get("/api/products/42"), () => get("/api/products/43"), () => query()];
  for (const read of reads) {
    await read();
    await settle();
    assert.equal((await read()).xCache, "HIT");
  }
}

const CLIMBING = [
  "/api/catalog/..%2faccount%2fme",
  "/api/catalog/%2e%2e%2faccount%2fme",
  "/api/catalog/%2e.%2faccount/me",
  "/api/catalog/.%2e%2Faccount/me",
  "/api/catalog/..%5caccount%5cme",
  "/api/catalog/..;/account/me",
  "/api/catalog/..;x=1/account/me",
  "/api/catalog/..%3bx/account/me",
  "/api/catalog/%252e%252e%252faccount%252fme",
  "/api/catalog/%25252e%25252e%25252faccount/me",
  "/api/catalog/%252e%252e/account/me",
  "/api/catalog/..%20/account/me",
  "/api/%5c../api/account/me",
  "/api%5caccount%5cme",
  "/api/account/me%00",
];

test("a path with plain dot segments is the one that the origin is asked for", async () => {
  await stored();
  for (const path of ["/api/products/./42", "/x/../api/products/42", "/api/products/%2e/42"]) {
    const got = await say(
      world.url("/"),
      `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(got, /\r\nx-cache: HIT\r\n/i, path);
  }
});

test("an escaped ? or # behind a parent segment does not hide it", async () => {
  for (const path of ["/api/catalog/..%3fx", "/api/catalog/%2e%2e%23x", "/api/catalog/..%253f"]) {
    for (let n = 0; n < 2; n += 1)
      assert.match((await get(path)).cacheStatus, /fwd=bypass; fwd-status=\d+; detail=path-climbs$/, path);
  }
});

test("a read whose path may climb passes through", async () => {
  for (const path of CLIMBING) {
    assert.equal(understood(path), "/api/account/me", path);
    for (const [cookie, expected] of [
      ["sid=ada", "sid=ada"],
      ["sid=bob", "sid=bob"],
      [undefined, "nobody"],
    ]) {
      const answer = await get(path, cookie ? { cookie } : {});
      assert.match(answer.cacheStatus, /fwd=bypass; fwd-status=200; detail=path-climbs$/, path);
      assert.equal(JSON.parse(answer.text).cookie, expected, path);
      assert.equal(world.origin.requests.at(-1).url, path);
    }
  }
  // What does not climb is shared, whatever dots it has.
  for (const path of ["/api/catalog/a..b", "/api/catalog/...", "/api/catalog/x%2fy", "/api/catalog/x;y"]) {
    await get(path, { cookie: "sid=ada" });
    await settle();
    assert.equal((await get(path)).xCache, "HIT", path);
  }
});

test("no spelling leads around the scope of a path", async () => {
  for (const path of [
    "/api//account/me",
    "/api/Account/me",
    "/api/account;x/me",
    "/api/account%2fme",
    "/API/account/me",
  ]) {
    for (const cookie of ["sid=ada", "sid=bob"]) {
      const answer = await get(path, { cookie });
      assert.match(answer.cacheStatus, /detail=path-spelling$/, path);
      assert.equal(JSON.parse(answer.text).cookie, cookie, path);
    }
    assert.equal(JSON.parse((await get(path)).text).cookie, "nobody");
  }
  const own = () => get("/api/account/me", { cookie: "sid=ada" });
  await own();
  await settle();
  assert.equal((await own()).xCache, "HIT");
  assert.equal(JSON.parse((await get("/api/account/me", { cookie: "sid=bob" })).text).cookie, "sid=bob");
});

const SPELLINGS = [
  "/api/products/42",
  "//api/products/42",
  "/api/products//42",
  "/API/Products/42",
  "/api/products/42%2f",
  "/api/products/42/",
  "/api%2fproducts%2f42",
  "/api%252fproducts%252f42",
  "/api/products/42;x=1",
  "/api;v=2/products/42",
  "/%61pi/products/%34%32",
  "/api/products/%2534%2532",
  "/api/x/..%2fproducts/42",
  "/api/x/..;/products/42",
  "/api/x/..%5cproducts%5c42",
  "/api%5cproducts%5c42",
  "/api/products/42%00",
  "/api/products/42%20",
];

for (const spelled of SPELLINGS) {
  test(`a write to ${spelled} purges what the origin may take it for`, async () => {
    await stored();
    assert.equal(understood(spelled), "/api/products/42");
    const written = await send("PUT", spelled);
    assert.equal(world.origin.requests.at(-1).url, spelled);
    assert.ok(written.headers["evergraph-purge"]);
    const read = await get("/api/products/42");
    assert.deepEqual([read.xCache, versionOf(read)], ["MISS", 1]);
    assert.equal(JSON.parse((await query()).text).data.product.version, 1);
    assert.equal((await get("/api/products/43")).xCache, "HIT");
  });

  test(`an answer that is stored under ${spelled} is purged by every write to what it is`, async () => {
    const write = {
      "by its plain path": () => send("DELETE", "/api/products/42"),
      "by another spelling": () => send("PATCH", "//API/products/42"),
      "by a mutation": () => query("/graphql", "mutation { renameProduct { __typename id version } }"),
    };
    for (const [how, purge] of Object.entries(write)) {
      await stored();
      await get(spelled);
      await settle();
      const before = versionOf(await get(spelled));
      await purge();
      assert.equal(versionOf(await get(spelled)), before + 1, how);
      assert.equal((await get("/api/products/43")).xCache, "HIT", how);
    }
  });
}

const GRAPHQL = [
  "/GraphQL",
  "//graphql",
  "/graphql;x",
  "/graphql%2f",
  "/graphql%00",
  "/graphql//",
  "/%2567raphql",
  "/x/..%2fgraphql",
  "/x/..;/graphql",
  "/graphql%5c",
];

for (const spelled of GRAPHQL) {
  test(`GraphQL that is sent to ${spelled}: the document decides`, async () => {
    await stored();
    const isPassed = ({ cacheStatus }) =>
      assert.match(cacheStatus, /fwd=bypass; fwd-status=200; detail=path-(spelling|climbs)$/);
    for (let n = 0; n < 2; n += 1) {
      isPassed(await query(spelled));
      isPassed(await get(`${spelled}?query=${encodeURIComponent(QUERY)}`));
    }
    assert.equal((await query()).xCache, "HIT", "a query purges nothing");
    const mutation = await query(spelled, "mutation { renameProduct { __typename id version } }");
    assert.match(mutation.cacheStatus, /detail=mutation$/);
    assert.equal(versionOf(await get("/api/products/42")), 1);
    assert.equal(JSON.parse((await query()).text).data.product.version, 1);
    assert.equal((await get("/api/products/43")).xCache, "HIT");
    const batch = JSON.stringify([{ query: QUERY }, { query: "mutation { renameProduct { id } }" }]);
    await send("POST", spelled, batch, { "content-type": "application/json" });
    assert.equal(versionOf(await get("/api/products/42")), 2);
    // What is not understood may be a mutation.
    await stored();
    await send("POST", spelled, "mutation", { "content-type": "text/plain" });
    assert.notEqual((await get("/api/products/43")).xCache, "HIT");
  });
}

test("a mutation by another unsafe method is one", async () => {
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    await stored();
    const before = versions[42];
    const body = JSON.stringify({ query: "mutation { renameProduct { __typename id version } }" });
    await send(method, "/graphql", body, { "content-type": "application/json" });
    assert.equal(versionOf(await get("/api/products/42")), before + 1, method);
    const read = await send(method, "/graphql", JSON.stringify({ query: QUERY }), {
      "content-type": "application/json",
    });
    assert.match(read.cacheStatus, /detail=method$/);
  }
});

test("a bypassed path hides no write to another one", async () => {
  await stored();
  assert.match((await send("PUT", "/auth/x")).cacheStatus, /detail=bypass-path$/);
  assert.equal((await get("/api/products/42")).xCache, "HIT");
  for (const path of ["/auth/..%2fapi%2fproducts%2f42", "/auth/..%5capi%5cproducts%5c42"]) {
    await stored();
    const before = versions[42];
    await send("PUT", path);
    assert.equal(versionOf(await get("/api/products/42")), before + 1, path);
  }
  for (const path of ["/Auth/x", "//auth/x"]) {
    for (let n = 0; n < 2; n += 1) assert.match((await get(path)).cacheStatus, /detail=path-spelling$/);
  }
});

test("only a write that succeeds purges", async () => {
  await stored();
  const answer = world.origin.answer;
  world.origin.answer = (_request, response) => response.writeHead(404).end();
  await send("PUT", "//api/products/42");
  world.origin.answer = answer;
  assert.equal((await get("/api/products/42")).xCache, "HIT");
});

test("a mutation by GET or HEAD purges, whatever its path and however long its URL is", async () => {
  const mutation = "query=mutation{renameProduct{__typename%20id%20version}}";
  for (const path of [
    `/graphql?${mutation}`,
    `/graphql?${mutation}&variables={%22a%22:%22${"x".repeat(17_000)}%22}`,
    `/GraphQL?${mutation}`,
    `//graphql?${mutation}`,
    `/graphql;x?query=%6dutation{renameProduct{__typename%20id%20version}}`,
    `/x/..%2fgraphql?${mutation}`,
    `/auth/..%2fgraphql?${mutation}`,
  ]) {
    for (const method of ["GET", "HEAD"]) {
      await stored();
      const before = versions[42];
      const answer = await send(method, path, "");
      assert.equal(versions[42], before + 1, path.slice(0, 80));
      assert.match(answer.headers["evergraph-purge"], /^[\w-]+$/, `${method} ${path.slice(0, 80)}`);
      assert.notEqual((await query()).xCache, "HIT", `${method} ${path.slice(0, 80)}`);
      // What it has not changed stays, where its answer has a body that says so.
      if (method === "GET") assert.equal((await get("/api/products/43")).xCache, "HIT");
    }
  }
});

test("a query by GET on such a path purges nothing, though it has the word in it", async () => {
  for (const path of ["/GraphQL", "/x/..%2fgraphql"]) {
    for (const text of [
      "{product{__typename%20id%20mutation:version}}",
      "{product{__typename%20id%20version}}",
    ]) {
      await stored();
      const answer = await get(`${path}?query=${text}`);
      assert.match(answer.cacheStatus, /detail=path-(spelling|climbs)$/, path);
      assert.equal(answer.headers["evergraph-purge"], undefined);
      for (const read of [query, () => get("/api/products/42")]) assert.equal((await read()).xCache, "HIT");
    }
  }
});
