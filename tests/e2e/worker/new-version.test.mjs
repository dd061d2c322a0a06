// What takes effect with a deploy: shorter lifetimes, the end of an introspected schema, `on_deploy`, and
// other admin tokens. (What it does to tags: deploys.test.mjs.)

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const QUERY = "query Product { product { __typename id } }";
const INTROSPECTION = "{ __schema { queryType { name } } }";
const PRODUCT = { __typename: "Product", id: "1" };

/** What an API answers whose only type is a product. */
function answer(_request, response, body) {
  const { query = "" } = body.length > 0 ? JSON.parse(body) : {};
  const int = { kind: "SCALAR", name: "ID" };
  const field = (name, type) => ({ name, args: [], type });
  const types = [
    {
      kind: "OBJECT",
      name: "Query",
      interfaces: [],
      fields: [field("product", { kind: "OBJECT", name: "Product" })],
    },
    { kind: "OBJECT", name: "Product", interfaces: [], fields: [field("id", int)] },
    int,
  ];
  const schema = { __schema: { queryType: { name: "Query" }, types } };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ data: query.includes("__schema") ? schema : { product: PRODUCT } }));
}

async function start(options) {
  const world = await startWorld(options);
  world.origin.answer = answer;
  return world;
}

/** How many seconds a hit is still fresh. */
function freshFor(response) {
  assert.equal(response.xCache, "HIT", response.cacheStatus);
  return Number(/ttl=(-?\d+)/.exec(response.cacheStatus)[1]);
}

// Without a schema, only the response shows that it has a product.
const lives = (ttl) => ({ types: { product: { match: ["graphql:Product", "rest:/product"], ttl } } });

for (const from of ["the edge cache", "KV"])
  test(`a lower ttl takes effect with the deploy, for what is in ${from}`, async () => {
    const config = (ttl) => ({ ...lives(ttl), kv: { writes: "always", timeout_ms: 5_000 } });
    const world = await start({ config: config(7200) });
    const read = async () => [await world.graphql(QUERY), await world.ask("/product")];
    for (const { xCache } of await read()) assert.equal(xCache, "MISS");
    await world.until(() => world.kv.entries.size >= 2, "both are in KV");
    for (const one of await read()) assert.ok(freshFor(one) > 600);
    if (from === "KV") for (const cache of world.caches) cache.mode = "error";
    await world.redeploy(config(600));
    for (const one of await read()) assert.ok(freshFor(one) <= 600, one.cacheStatus);
    await world.redeploy(config(7200));
    for (const one of await read()) assert.ok(freshFor(one) > 600, "the stored time is the limit");
    await world.redeploy(config(0));
    for (const one of await read()) assert.notEqual(one.xCache, "HIT", one.cacheStatus);
  });

test("removing introspection ends the schema with the deploy", async () => {
  const introspects = { graphql: { schema: "introspect" } };
  const world = await start({ config: introspects });
  const source = async () => (await world.admin("schema")).json.source;
  const isAfterRequests = (expected) =>
    world.until(async () => {
      await world.graphql(QUERY);
      return (await source()) === expected;
    }, `the schema's source is ${expected}`);
  await isAfterRequests("origin");
  await world.redeploy({});
  await isAfterRequests("none");
  await world.redeploy({});
  assert.equal(await source(), "none", "for all isolates");
  await world.redeploy(introspects);
  await isAfterRequests("origin");
  await world.redeploy({});
  await isAfterRequests("none");
  await world.admin("schema", { body: "type Query { product: Product } type Product { id: ID }" });
  await world.redeploy({});
  await isAfterRequests("upload");
});

test("each version purges once what on_deploy names", async () => {
  const config = { ...lives(7200), on_deploy: { purge: ["type:introspection"] } };
  const world = await start({ places: 2, configs: [config, config], versions: ["v1", "v1"] });
  const purges = () => world.events("purge").filter(({ source }) => source === "deploy").length;
  const state = async (place) => (await world.admin("health", { place })).json.deployment.on_deploy.state;
  const isRecorded = (place) =>
    world.until(async () => (await state(place)) === "ok", `place ${place} has its purge`);
  const isHit = (query, place) =>
    world.until(async () => (await world.graphql(query, { place })).xCache === "HIT", `a hit for ${query}`);

  const deploy = async (...versions) => {
    await world.redeployWith({ versions });
    for (const place of [0, 1]) await isRecorded(place);
  };
  for (const place of [0, 1]) await isRecorded(place);
  assert.equal(purges(), 1, "one of both isolates");
  for (const place of [0, 1]) for (const query of [QUERY, INTROSPECTION]) await isHit(query, place);

  await deploy("v2", "v2");
  assert.equal(purges(), 2);
  for (const place of [0, 1]) {
    assert.equal((await world.graphql(QUERY, { place })).xCache, "HIT");
    assert.equal((await world.graphql(INTROSPECTION, { place })).xCache, "MISS");
  }

  // Both versions live side by side, and then the earlier one is deployed again.
  await deploy("v3", "v2");
  await deploy("v2", "v3");
  await deploy("v2", "v2");
  assert.equal(purges(), 3);

  // The log takes nothing for a while.
  world.logMode = "read-only";
  await world.redeployWith({ versions: ["v4", "v4"] });
  await world.until(async () => {
    assert.equal(await state(0), "pending");
    return world.events("failure").some(({ part }) => part === "purge-log-append");
  }, "the purge is attempted");
  assert.equal(purges(), 3);
  world.logMode = "ok";
  for (const place of [0, 1]) await isRecorded(place);
  assert.equal(purges(), 4);

  // Without the binding nothing happens.
  await world.redeployWith({ versions: [null, null] });
  assert.equal(await state(0), "absent");
  assert.equal((await world.graphql(QUERY)).xCache, "HIT");
  assert.equal(purges(), 4);
});

test("health shows the deployment to an administrator", async () => {
  const world = await start({ config: {}, versions: ["v7"], kv: false });
  const shown = async (token) => (await world.admin("health", { token })).json.deployment;
  assert.equal(await shown(null), undefined);
  assert.equal(await shown("wrong"), undefined);
  assert.deepEqual(await shown(ADMIN_TOKEN), {
    version: "v7",
    bindings: { CACHE_KV: false, PURGE_LOG: true, STATS: false, VERSION_METADATA: true },
    caller: { name: "token-1", role: "admin" },
    admin_tokens: 1,
    on_deploy: { state: "none" },
    placement: { state: "ok" },
  });
});

test("an admin token is replaced in two steps, and no request is refused meanwhile", async () => {
  const [old, next] = ["the-old-token-of-32-characters-00", "the-next-token-of-32-characters-0"];
  const world = await start({ places: 2, configs: [lives(7200), lives(7200)], adminTokens: old });
  const status = async (token, place) =>
    (await world.admin("purge", { token, place, body: { tags: ["Product:1"] } })).status;
  let purge = "";
  const write = async (place) => {
    const written = await world.graphql("mutation { updateProduct { __typename id } }", { place });
    purge = written.headers.get("evergraph-purge");
    assert.ok(purge, written.cacheStatus);
  };
  await write(0);
  for (const [first, second, tokens] of [
    [old, `${old},${next}`, [old]],
    [`${old},${next}`, `${old},${next}`, [old, next]],
    [`${old},${next}`, next, [next]],
    [next, next, [next]],
  ]) {
    await world.redeployWith({ adminTokens: [first, second] });
    for (const place of [0, 1]) {
      for (const token of tokens) assert.equal(await status(token, place), 200, `${first} ${second}`);
      // A client that wrote before, elsewhere, reads nothing older.
      const read = await world.graphql(QUERY, { place, headers: { "evergraph-purge": purge } });
      assert.equal(read.status, 200);
    }
    await write(0);
  }
  for (const place of [0, 1]) assert.equal(await status(old, place), 401);
});
