// What a schema does: sharper tags and fields that identify, hints and scopes known beforehand;
// and what it never does: change an answer, or stay in force once an answer contradicts it.

import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { getIntrospectionQuery } from "graphql";
import { globalId, SDL, Shop, sdlWith } from "../lib/shop.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

// Entries go only where a purge takes them.
const base = { default: { ttl: 600 }, purge: { max_lag: 60 } };

async function start({ config = {}, ...options } = {}) {
  const world = await startWorld({ config: { ...base, ...config }, ...options });
  return [world, new Shop(world.origin)];
}

const upload = (world, body, options = {}) => world.admin("schema", { body, method: "POST", ...options });
const inForce = async (world, place = 0) => (await world.admin("schema", { place })).json;
const inKv = (world) => [...world.kv.entries.keys()].filter((key) => key.startsWith("test/schema"));
const detail = (answer) => /detail=([\w-]+)$/.exec(answer.cacheStatus)?.[1] ?? null;
const ttlOf = (answer) => Number(/ttl=(-?\d+)/.exec(answer.cacheStatus)?.[1]);
const purgesOfEverything = (world) =>
  world.events("purge").filter(({ all, source }) => all && source === "schema").length;
const failures = (world, part) => world.events("failure").filter((one) => one.part === part);

async function withSchema(options, sdl = SDL) {
  const [world, shop] = await start(options);
  assert.equal((await upload(world, sdl)).status, 200);
  return [world, shop];
}

/** The origin's own answer. */
async function directly(world, query, headers = {}) {
  const response = await fetch(`${world.origin.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

/** Stores the answers to these queries, each as the origin gives it. */
async function store(world, queries) {
  for (const query of queries) {
    const expected = await directly(world, query);
    for (const xCache of ["MISS", "HIT"]) {
      const answer = await world.graphql(query);
      assert.deepEqual([answer.xCache, answer.text], [xCache, expected], query);
    }
  }
}

/** Which of these queries are still stored after something was done. */
async function left(world, queries, work) {
  await world.admin("purge", { body: { all: true } });
  await store(world, queries);
  await work();
  const stored = [];
  for (const query of queries) if ((await world.graphql(query)).xCache === "HIT") stored.push(query);
  return stored;
}

/** The tags that an entry has of its types. */
async function typesOf(world, query) {
  const headers = { "evergraph-debug": "1", authorization: `Bearer ${ADMIN_TOKEN}` };
  const tags = (await world.graphql(query, { headers })).headers.get("evergraph-tags").split(",");
  return tags.filter((tag) => !/^(key|op|path|type):|^by-schema$/.test(tag)).sort();
}

const RENAME_PRODUCT = 'mutation { renameProduct(id: "1", name: "one") { __typename id } }';
const WRITE_REVIEW = 'mutation { writeReview(id: "7", text: "fine") { __typename id } }';
const RENAME_USER = 'mutation { renameUser(name: "alice") { __typename id } }';

test("a schema is uploaded as SDL or as introspection, and is in force at once", async () => {
  const [world, shop] = await start();
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
  const first = await upload(world, SDL);
  assert.deepEqual([first.status, first.json.changed], [200, null]);
  assert.ok(first.json.types >= 9);
  assert.deepEqual(await inForce(world), { source: "upload", types: first.json.types });
  const again = await upload(world, `\uFEFF\n${SDL}`);
  assert.deepEqual([again.status, again.json], [200, { ...first.json, changed: [] }]);
  const told = JSON.parse(await directly(world, getIntrospectionQuery()));
  for (const body of [told, told.data]) {
    const answer = await upload(world, JSON.stringify(body));
    assert.deepEqual([answer.status, answer.json.changed], [200, []]);
  }
  const changed = await upload(world, SDL.replace("text: String }", "text: String stars: Int }"));
  assert.deepEqual(changed.json.changed, ["Review"]);
  assert.deepEqual(shop.asked, [], "nobody asks the origin for it");
});

test("only the right token uploads or looks, and only by these methods", async () => {
  const [world] = await start();
  for (const token of [null, "wrong"]) {
    for (const answer of [await upload(world, SDL, { token }), await world.admin("schema", { token })])
      assert.deepEqual(
        [answer.status, answer.headers.get("www-authenticate")],
        [401, 'Bearer realm="evergraph"'],
      );
  }
  const answer = await world.admin("schema", { method: "PUT" });
  assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "DELETE, GET, HEAD, POST"]);
  assert.equal((await world.admin("schema", { method: "HEAD" })).status, 200);
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
});

/** The status for a schema that says it has so many bytes. It is answered before they arrive. */
function statusOfLarge(world, length) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-length": length };
    const asking = request(world.url("/__evergraph/schema"), { method: "POST", headers }, (response) => {
      resolve(response.statusCode);
      asking.destroy();
    });
    asking.on("error", reject);
    asking.write("type");
  });
}

test("what is no schema is 400 with its line, and changes nothing", async () => {
  const [world] = await withSchema();
  const before = await inForce(world);
  const purges = world.events("purge").length;
  for (const [body, path] of [
    ["type Query {\n  a: Int\n  b: }", "line 3"],
    ["type Query { a: Int }\n\ntype A {", "line 3"],
    ["type Query { a: Int }\ntype A @cacheControl(maxAge: -1) { a: Int }", "line 2"],
    ["type Query { a: Int }\nquery { a }", "line 2"],
    ["type A { a: Int }", "line 1"],
    ["", "line 1"],
    ['{"data":\n{"__schema":\n7}}', "line 3"],
    ['{"data":{}}', ""],
    ['{"errors":[{"message":"no"}]}', ""],
  ]) {
    const answer = await upload(world, body);
    assert.deepEqual([answer.status, answer.json.path], [400, path], `${body}: ${answer.text}`);
    assert.equal(typeof answer.json.error, "string");
  }
  const binary = await world.ask("/__evergraph/schema", {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    body: Buffer.from([0x74, 0xff, 0xfe]),
  });
  assert.equal(binary.status, 400);
  assert.equal(await statusOfLarge(world, (8 << 20) + 1), 413);
  assert.deepEqual(await inForce(world), before);
  assert.equal(world.events("purge").length, purges, "nothing was purged");
});

test("without KV, or while KV does not take it, a schema is 503 and not in force", async () => {
  const [world, shop] = await start();
  const query = "{ products { name } }";
  await store(world, [query]);
  for (const mode of ["error", "reset", "hang"]) {
    world.kv.mode = mode;
    const answer = await upload(world, SDL);
    assert.equal(answer.status, 503, mode);
    assert.deepEqual(await inForce(world), { source: "none", types: 0 }, mode);
  }
  world.kv.mode = "ok";
  assert.equal((await world.graphql(query)).xCache, "HIT", "nothing was purged");
  assert.equal((await upload(world, SDL)).status, 200);
  const [bare] = await start({ kv: false });
  assert.equal((await upload(bare, SDL)).status, 503);
  assert.deepEqual(await inForce(bare), { source: "none", types: 0 });
  assert.deepEqual(shop.asked, []);
});

test("a schema that the log did not take does not come into force later", async () => {
  const [world] = await start({ config: { purge: { max_lag: 1 } } });
  world.logMode = "error";
  assert.equal((await upload(world, `${SDL} type Older { a: Int }`)).status, 503);
  world.logMode = "ok";
  // What waits is recorded with the next read of the log.
  await world.until(async () => {
    await world.graphql(ONE);
    return world.events("purge").some(({ source }) => source === "outbox");
  }, "it is recorded");
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
  const { types } = (await upload(world, SDL)).json;
  await store(world, [ONE]);
  assert.deepEqual(await inForce(world), { source: "upload", types });
});

test("a schema that the log did not take leaves the one before it in force, for new isolates too", async () => {
  const [world] = await start({ config: { purge: { max_lag: 1 } } });
  const { types } = (await upload(world, SDL)).json;
  world.logMode = "read-only";
  assert.equal((await upload(world, `${SDL} type Newer { a: Int }`)).status, 503);
  const stored = { source: "upload", types };
  assert.deepEqual(await inForce(world), stored);
  world.logMode = "ok";
  await world.restart();
  const isThere = async () => {
    await world.graphql("{ hello }");
    return (await inForce(world)).source === "upload";
  };
  await world.until(isThere, "a new isolate has it");
  assert.deepEqual(await inForce(world), stored);
  // The one that was refused is believed when it is sent again.
  const newer = (await upload(world, `${SDL} type Newer { a: Int }`)).json;
  assert.deepEqual(await inForce(world), { source: "upload", types: newer.types });
  await world.until(() => inKv(world).length === 1, "only the one in force is kept");
  await world.admin("schema", { method: "DELETE" });
  await world.until(() => inKv(world).length === 0, "none is in force");
});

test("it outlives its isolate, reaches another place, and another one in KV does not take its place", async () => {
  const [world] = await start({ places: 2 });
  await upload(world, `${SDL} type Older { a: Int }`);
  const older = world.kv.entries.get(inKv(world)[0]);
  const { types } = (await upload(world, SDL)).json;
  const stored = { source: "upload", types };
  assert.deepEqual(await inForce(world, 1), { source: "none", types: 0 }, "nobody asked there yet");
  await world.graphql("{ hello }", { place: 1 });
  await world.until(async () => (await inForce(world, 1)).types === types, "it is there");
  await world.until(() => inKv(world).length === 1, "the older one is taken out");
  // Under its key there is another. The log says that this is not the one.
  const [key] = inKv(world);
  const newer = world.kv.entries.get(key);
  world.kv.entries.set(key, older);
  await world.restart();
  for (const xCache of ["MISS", "MISS"]) {
    const answer = await world.graphql("{ waits: hello }");
    assert.deepEqual([answer.xCache, detail(answer)], [xCache, "schema-unsettled"]);
  }
  assert.deepEqual(await inForce(world), { source: "loading", types: 0 });
  assert.equal((await world.admin("health")).json.state, "WARMING");
  world.kv.entries.set(key, newer);
  const isBack = async () => {
    await world.graphql("{ hello }");
    return (await inForce(world)).source === "upload";
  };
  await world.until(isBack, "it is back");
  assert.deepEqual(await inForce(world), stored);
  assert.deepEqual(await typesOf(world, '{ review(id: "none") { text } }'), ["Review", "Review:?"]);
});

/** Queries whose answers hold nothing, by the type that would fill them. */
const NOTHING = {
  product: '{ product(id: "none") { name } }',
  review: '{ review(id: "none") { text } }',
  list: "{ reviews { text } }",
  either: '{ found(id: "none") { ... on Node { id } } }',
};

test("nulls and empty lists go with the mutations of their own types alone", async () => {
  const [world, shop] = await start();
  const queries = Object.values(NOTHING);
  const { product, review, list, either } = NOTHING;
  const after = (mutation) => {
    shop.reviews = {};
    return left(world, queries, () => world.graphql(mutation));
  };
  for (const mutation of [RENAME_PRODUCT, WRITE_REVIEW, RENAME_USER])
    assert.deepEqual(await after(mutation), [], "without a schema any of them may fill what is empty");
  await upload(world, SDL);
  assert.deepEqual(await after(RENAME_USER), queries);
  assert.deepEqual(await after(RENAME_PRODUCT), [review, list]);
  assert.deepEqual(await after(WRITE_REVIEW), [product]);
  shop.reviews = {};
  await world.admin("purge", { body: { all: true } });
  assert.deepEqual(await typesOf(world, list), ["Review", "Review:?", "list:Review"]);
  assert.deepEqual(await typesOf(world, either), ["Product", "Product:?", "Review", "Review:?"]);
  const nested = '{ product(id: "1") { best { text } reviews { text } } }';
  assert.deepEqual(await typesOf(world, nested), [
    "Product",
    "Product:1",
    "Review",
    "Review:?",
    "list:Review",
  ]);
});

const ONE = '{ product(id: "1") { name } }';
const TWO = '{ product(id: "2") { name } }';

test("fields that identify are added, so that one entity's mutation leaves the others", async () => {
  const [world] = await start({ config: { mutations: { policy: "entity" } } });
  assert.deepEqual(await left(world, [ONE, TWO], () => world.graphql(RENAME_PRODUCT)), []);
  await upload(world, SDL);
  assert.deepEqual(await left(world, [ONE, TWO], () => world.graphql(RENAME_PRODUCT)), [TWO]);
  assert.ok(world.origin.requests.some(({ body }) => body.includes("evergraph__key_id__Product:id")));
  for (const [query, types] of [
    ['{ product(id: "1") { title: name id: sku } }', ["Product", "Product:1"]],
    ['{ product(id: "1") { ...F } } fragment F on Product { name }', ["Product", "Product:1"]],
    // A union has no field to add, and nothing is added to a fragment.
    ['{ found(id: "1") { ... on Product { name } } }', ["Product", "Product:?"]],
    ['{ found(id: "1") { ... on Product { id } } }', ["Product", "Product:1"]],
  ]) {
    await store(world, [query]);
    assert.deepEqual(await typesOf(world, query), types, query);
  }
});

test("what arguments name is deleted, and what they do not name is the whole type", async () => {
  const [world, shop] = await withSchema({ config: { mutations: { policy: "entity" } } });
  const queries = [ONE, TWO, "{ products { name } }"];
  for (const [mutation, stored] of [
    ['mutation { deleteProduct(id: "1") { ok } }', [TWO]],
    ['mutation { deleteProduct(id: "9") { ok } }', queries],
    ['mutation { deleteProduct(sku: "B-2") { ok } }', []],
  ]) {
    shop.products = { 1: { sku: "A-1", name: "one" }, 2: { sku: "B-2", name: "two" } };
    assert.deepEqual(await left(world, queries, () => world.graphql(mutation)), stored, mutation);
    assert.equal((await world.graphql(queries[2])).text, await directly(world, queries[2]));
  }
});

test("a configured key names entities, and the id that it is not names none", async () => {
  const [world, shop] = await withSchema({
    config: {
      mutations: { policy: "entity" },
      graphql: { keys: { Product: "sku" } },
      resources: [{ path: "/api/products/:sku", tags: ["Product:{sku}"] }],
      types: { rest: { match: ["rest:/api/**"], ttl: 600 } },
    },
  });
  const purge = (tag) => () => world.admin("purge", { body: { tags: [tag] } });
  assert.deepEqual(await left(world, [ONE, TWO], purge("Product:A-1")), [TWO]);
  assert.deepEqual(await typesOf(world, ONE), ["Product", "Product:A-1"]);
  const bySku = () => world.graphql('mutation { deleteProduct(sku: "A-1") { ok } }');
  assert.deepEqual(await left(world, [ONE, TWO], bySku), [TWO]);
  shop.products[1] = { sku: "A-1", name: "one" };
  const byId = () => world.graphql('mutation { deleteProduct(id: "1") { ok } }');
  assert.deepEqual(await left(world, [ONE, TWO], byId), [], "which sku has that id?");
  for (const sku of ["A-1", "B-2"]) await world.ask(`/api/products/${sku}`);
  await bySku();
  assert.equal((await world.ask("/api/products/A-1")).xCache, "MISS");
  assert.equal((await world.ask("/api/products/B-2")).xCache, "HIT");
});

test("a global id is its row's id too, for purges and for resources", async () => {
  const [world] = await start({
    config: {
      mutations: { policy: "entity" },
      resources: [{ path: "/api/items/:id", tags: ["Item:{id}"] }],
      types: { rest: { match: ["rest:/api/**"], ttl: 600 } },
    },
  });
  const item = (id) => `{ item(id: "${globalId("Item", id)}") { id name } }`;
  const queries = [item("42"), item("43")];
  const purge = (tag) => () => world.admin("purge", { body: { tags: [tag] } });
  for (const tag of ["Item:42", `Item:${globalId("Item", "42")}`])
    assert.deepEqual(await left(world, queries, purge(tag)), [item("43")], tag);
  const rest = ["/api/items/42", "/api/items/43"];
  for (const path of rest) await world.ask(path);
  const mutation = `mutation { renameItem(id: "${globalId("Item", "42")}") { __typename id } }`;
  assert.deepEqual(await left(world, queries, () => world.graphql(mutation)), [item("43")]);
  for (const path of rest) await world.ask(path);
  await world.graphql(mutation);
  assert.deepEqual(
    [(await world.ask(rest[0])).xCache, (await world.ask(rest[1])).xCache],
    ["MISS", "HIT"],
    "a mutation reaches what a resource ties to the row",
  );
  const put = () => world.ask(rest[0], { method: "PUT", body: "{}" });
  assert.deepEqual(await left(world, queries, put), [item("43")], "and a REST write the entity");
});

const introspecting = { graphql: { schema: "introspect" } };

test("the origin's own schema comes into force by itself", async () => {
  const [world, shop] = await start({ config: introspecting, places: 2 });
  const first = await world.graphql(ONE);
  assert.deepEqual([first.xCache, first.text], ["MISS", await directly(world, ONE)]);
  await world.until(async () => (await inForce(world)).source === "origin", "it is in force");
  assert.equal(shop.asked.length, 1);
  const [{ method, url, headers }] = shop.asked;
  assert.deepEqual([method, url, headers.authorization], ["POST", "/graphql", undefined]);
  assert.deepEqual(await typesOf(world, '{ review(id: "none") { text } }'), ["Review", "Review:?"]);
  assert.equal((await world.graphql(ONE)).xCache, "HIT", "what was stored before stays");
  // The next isolate and the next place have it from KV.
  await world.restart();
  for (const place of [0, 1]) {
    await world.graphql("{ hello }", { place });
    await world.until(async () => (await inForce(world, place)).source === "origin", "from KV");
  }
  assert.equal(shop.asked.length, 1);
});

test("without KV each isolate asks the origin for itself", async () => {
  const [world, shop] = await start({ config: introspecting, kv: false });
  for (const asked of [1, 2]) {
    const isInForce = async () => {
      await world.graphql("{ hello }");
      return (await inForce(world)).source === "origin";
    };
    await world.until(isInForce, "it is in force");
    assert.equal(shop.asked.length, asked);
    await world.restart();
  }
  assert.deepEqual(world.events("failure"), []);
});

test("a request that speaks no GraphQL asks nobody for a schema", async () => {
  const [world, shop] = await start({ config: introspecting });
  await world.ask("/api/orders", { method: "POST", body: "{}" });
  await world.ask("/api/orders/1", { method: "PUT", body: "{}" });
  await world.graphql("{ hello }");
  await world.until(async () => (await inForce(world)).source === "origin", "it is in force");
  assert.deepEqual(
    world.origin.requests.map(({ method, url }) => `${method} ${url}`).sort(),
    ["POST /api/orders", "POST /graphql", "POST /graphql", "PUT /api/orders/1"],
    "each write once, the query, and the question for the schema",
  );
  assert.deepEqual(shop.asked[0].url, "/graphql");
});

test("an origin that refuses introspection is asked seldom, and nothing breaks", async () => {
  const [world, shop] = await start({ config: introspecting });
  shop.introspection = "nothing";
  await store(world, [ONE, TWO, NOTHING.review]);
  await world.until(() => failures(world, "introspection").length > 0, "it is told");
  for (let n = 0; n < 5; n += 1) await world.graphql(`{ hello again${n}: hello }`);
  await world.graphql(RENAME_PRODUCT);
  assert.equal(shop.asked.length, 1);
  assert.equal(failures(world, "introspection")[0].fault, "answered 400");
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
});

test("an uploaded schema wins over the origin's, also while the origin is being asked", async () => {
  const [world, shop] = await start({ config: introspecting });
  let release;
  shop.held = new Promise((resolve) => {
    release = resolve;
  });
  await world.graphql("{ hello }");
  await world.until(() => shop.asked.length === 1, "the origin is asked");
  const { types } = (await upload(world, `${SDL} type Mine { a: Int }`)).json;
  release();
  for (let n = 0; n < 5; n += 1) await world.graphql(`{ again${n}: hello }`);
  await store(world, [ONE]);
  assert.deepEqual(await inForce(world), { source: "upload", types });
  assert.equal(world.kv.entries.get(inKv(world)[0])[0], 1, "KV has the uploaded one");
  await world.restart();
  await world.graphql("{ hello }");
  await world.until(async () => (await inForce(world)).types === types, "it is back");
  assert.equal(shop.asked.length, 1);
});

test("a schema that an answer contradicts goes out of force, and everything is purged once", async () => {
  const [world, shop] = await withSchema(
    {},
    SDL.replace("product(id: ID, first: Int = 1): Product", "product(id: ID, first: Int = 1): User"),
  );
  await store(world, ["{ hello }", '{ product(id: "none") { name } }']);
  const before = purgesOfEverything(world);
  const found = await world.graphql(ONE);
  assert.deepEqual(
    [found.text, found.xCache, detail(found)],
    [await directly(world, ONE), "MISS", "schema-contradicted"],
  );
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
  assert.equal(purgesOfEverything(world), before + 1);
  assert.equal(failures(world, "schema").length, 1);
  // Whatever was stored under it is gone, and from here on all is as without a schema.
  await store(world, ["{ hello }", ONE, TWO, '{ product(id: "none") { name } }']);
  for (let n = 0; n < 5; n += 1) await world.graphql(`{ again${n}: product(id: "1") { name } }`);
  assert.deepEqual(await typesOf(world, '{ product(id: "none") { name } }'), ["untyped"]);
  assert.deepEqual([purgesOfEverything(world), failures(world, "schema").length], [before + 1, 1]);
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
  // All isolates know: the log says so, whatever KV still has.
  await world.restart();
  await world.graphql("{ hello }");
  await world.graphql('{ last: product(id: "1") { name } }');
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
  assert.deepEqual([purgesOfEverything(world), failures(world, "schema").length], [before + 1, 1]);
  // A right one takes its place.
  await upload(world, SDL);
  await world.graphql('{ right: product(id: "1") { name } }');
  assert.equal((await inForce(world)).source, "upload");
  assert.deepEqual(shop.asked, []);
});

test("an origin that says wrong things of itself is not believed twice, and not asked for ever", async () => {
  const [world, shop] = await start({ config: introspecting });
  shop.introspection = SDL.replace("item(id: ID): Item", "item(id: ID): User");
  const query = `{ item(id: "${globalId("Item", "1")}") { name } }`;
  await world.graphql("{ hello }");
  await world.until(() => world.events("purge").length === 1, "it is in force, and that is recorded");
  assert.equal((await inForce(world)).source, "origin");
  const purges = world.events("purge").length;
  assert.equal(detail(await world.graphql(query)), "schema-contradicted");
  for (let n = 0; n < 5; n += 1) await world.graphql(`{ again${n}: hello }`);
  assert.equal(shop.asked.length, 1);
  // Another isolate asks, and knows that this was wrong.
  await world.restart();
  await world.graphql("{ hello }");
  await world.until(() => failures(world, "introspection").length === 1, "it was asked once more");
  assert.deepEqual([shop.asked.length, await inForce(world)], [2, { source: "none", types: 0 }]);
  assert.equal(world.events("purge").length, purges + 1);
  for (const xCache of ["MISS", "HIT"]) assert.equal((await world.graphql(query)).xCache, xCache);
});

test("a schema can be ended", async () => {
  const [world] = await withSchema();
  await store(world, [ONE]);
  const ended = await world.admin("schema", { method: "DELETE" });
  assert.deepEqual([ended.status, typeof ended.json.seq], [200, "number"]);
  assert.deepEqual(await inForce(world), { source: "none", types: 0 });
  assert.equal((await world.graphql(ONE)).xCache, "MISS");
  assert.deepEqual(await typesOf(world, NOTHING.review), ["untyped"]);
});

test("a new schema purges introspection and the entries of what changed, and no others", async () => {
  const [world] = await withSchema();
  const introspection = "{ __schema { queryType { name } } }";
  const [product, user, either] = [ONE, "{ user { name } }", NOTHING.either];
  const queries = [introspection, product, user, either, NOTHING.review];
  const replaced = (...parts) => {
    const sdl = SDL.replace(...parts);
    assert.notEqual(sdl, SDL);
    return left(world, queries, async () => {
      const answer = await upload(world, sdl);
      assert.equal(answer.status, 200, answer.text);
    });
  };
  assert.deepEqual(await replaced("type Done", "type Other { a: Int } type Done"), [
    product,
    user,
    either,
    NOTHING.review,
  ]);
  await upload(world, SDL);
  // `User` is another type now; an entry that may hold anything goes too.
  assert.deepEqual(await replaced(/type User [^}]*}/, "type User { id: ID! name: String nick: String }"), [
    product,
    either,
    NOTHING.review,
  ]);
  await upload(world, SDL);
  // What was null may now be a user as well.
  assert.deepEqual(await replaced("= Product | Review", "= Product | Review | User"), [user]);
  await upload(world, SDL);
  // The query's own field means something else, and its null has tags of what it meant.
  assert.deepEqual(await replaced("review(id: ID): Review", "review(id: ID): User"), [product, user]);
});

const HINTED = {
  "Query.products": "@cacheControl(maxAge: 30)",
  name: "@cacheControl(maxAge: 40)",
  "Query.me": "@cacheControl(maxAge: 0)",
  user: "@cacheControl(scope: PRIVATE)",
};

test("maxAge gives the ttl where no type matches, and shortens it where one does", async () => {
  const types = {
    long: { match: ["graphql:Query.hello", "graphql:Query.product(first: 9)"], ttl: 600 },
    short: { match: ["graphql:Query.product(first: 8)"], ttl: 10 },
    forced: { match: ["graphql:Query.product(first: 7)"], ttl: 500, override: true },
    named: { match: ["operation:Named"], ttl: 25 },
  };
  const [world] = await withSchema({ config: { types, default: { ttl: 20 } } }, sdlWith(HINTED));
  for (const [query, ttl] of [
    ["{ products { id } }", 30],
    // Not all that is asked has a hint.
    ['{ product(id: "1") { name } }', 20],
    ['{ products { id } product(id: "1") { name } }', 20],
    ['{ review(id: "none") { text } }', 20],
    ['{ product(id: "1", first: 9) { name } }', 40],
    ["{ hello }", 600],
    ['{ product(id: "1", first: 8) { name } }', 10],
    ['{ product(id: "1", first: 7) { name } }', 500],
    // The name of an operation shortens, and lifts nothing.
    ["query Named { products { id } }", 20],
    ["query Named { hello }", 25],
  ]) {
    await store(world, [query]);
    const left = ttlOf(await world.graphql(query));
    assert.ok(left <= ttl && left > ttl - 5, `${query}: ${left}`);
  }
});

test("maxAge 0 and PRIVATE keep an answer out, unless it is overridden", async () => {
  const types = { typed: { match: ["graphql:Query.me", "graphql:Query.reviews"], ttl: 600 } };
  const [world] = await withSchema({ config: { types } }, sdlWith(HINTED));
  for (const [query, reason] of [
    ["{ user { name } }", "private-hint"],
    ["{ reviews { id } user { name } }", "private-hint"],
    ["{ hello ...F } fragment F on Query { user { id } }", "private-hint"],
    ["{ me { id } }", "private-hint"],
  ]) {
    for (let time = 0; time < 2; time += 1) {
      const answer = await world.graphql(query);
      assert.deepEqual([answer.xCache, detail(answer)], ["BYPASS", reason], query);
      assert.equal(answer.text, await directly(world, query));
    }
  }
  await upload(world, sdlWith({ "Query.me": "@cacheControl(maxAge: 0)" }));
  assert.equal(detail(await world.graphql("{ me { id } }")), "ttl-zero");
  assert.equal(detail(await world.graphql("{ reviews { id } me { id } }")), "ttl-zero");
  const forced = { match: ["graphql:Query.user", "graphql:Query.me"], ttl: 600, override: true };
  const [other] = await withSchema({ config: { types: { forced } } }, sdlWith(HINTED));
  await store(other, ["{ user { name } }", "{ me { id } }"]);
});

test("what an answer says of its own caching counts as Apollo writes it", async () => {
  const types = { forced: { match: ["graphql:Query.reviews"], ttl: 500, override: true } };
  const [world, shop] = await start({ config: { types } });
  let count = 0;
  const ask = async (cacheControl, field = "hello") => {
    count += 1;
    shop.extensions = { cacheControl };
    const query = `{ n${count}: ${field} }`;
    const miss = await world.graphql(query);
    assert.equal(miss.text, await directly(world, query));
    const again = await world.graphql(query);
    return again.xCache === "HIT" ? ttlOf(again) : detail(miss);
  };
  const hint = (maxAge, scope) => ({ path: ["hello"], maxAge, scope });
  for (const [cacheControl, expected] of [
    [{ version: 1, hints: [hint(40), hint(30), hint(50)] }, 30],
    [{ version: 1, hints: [] }, 600],
    [{ version: 1, hints: [hint(40), hint(50, "PRIVATE")] }, "private"],
    [{ version: 1, hints: [hint(40), hint(0)] }, "ttl-zero"],
    [{ maxAge: 30, scope: "PUBLIC" }, 30],
    [{ maxAge: 3000 }, 600],
    [{ maxAge: 30, scope: "PRIVATE" }, "private"],
    [{ maxAge: 0 }, "ttl-zero"],
    [{ maxAge: "soon" }, "ttl-zero"],
    [undefined, 600],
  ]) {
    const found = await ask(cacheControl);
    const fits =
      typeof expected === "number" ? found <= expected && found > expected - 5 : found === expected;
    assert.ok(fits, `${JSON.stringify(cacheControl)}: ${found}`);
  }
  for (const cacheControl of [{ maxAge: 0 }, { maxAge: 5, scope: "PRIVATE" }])
    assert.ok((await ask(cacheControl, "reviews { id }")) > 490, "overridden");
});

test("a type's scope is known beforehand with a schema, and forbids to store without one", async () => {
  const [world] = await start({
    config: {
      types: { user: { match: ["graphql:User"], ttl: 600, scope: "user" } },
      default: { scope: "everyone" },
      scopes: { user: { by: ["header:x-user"] }, everyone: { by: [] } },
    },
  });
  const me = (user, name) => world.graphql(`{ me { name ${name}: id } }`, { headers: { "x-user": user } });
  for (let time = 0; time < 2; time += 1) {
    const answer = await me("alice", "without");
    assert.deepEqual([answer.xCache, detail(answer)], ["MISS", "scope-of-answer"]);
  }
  await upload(world, SDL);
  for (const user of ["alice", "bob"]) {
    assert.equal((await me(user, "with")).xCache, "MISS");
    const hit = await me(user, "with");
    assert.deepEqual([hit.xCache, hit.json.data.me.name], ["HIT", user]);
  }
});

test("a faulty key or limit is a fault with its path", async () => {
  const [world] = await start({
    config: {
      graphql: { keys: { 9: "id", Product: [], User: ["id", "a b"], Item: 7 }, schema: "upload" },
      limits: { bytes: 0, tokens: 200_001, depth: 49, aliases: "many", selection: 1, refuse: 1 },
    },
  });
  await world.graphql("{ hello }");
  const [{ faults }] = world.events("config-error");
  assert.deepEqual(faults.map((fault) => fault.slice(0, fault.indexOf(": "))).sort(), [
    "graphql.keys.9",
    "graphql.keys.Item",
    "graphql.keys.Item",
    "graphql.keys.Product",
    "graphql.keys.User[1]",
    "graphql.schema",
    "limits.aliases",
    "limits.bytes",
    "limits.depth",
    "limits.refuse",
    "limits.selection",
    "limits.tokens",
  ]);
});

const AMOUNTS = {
  bytes: 1_000,
  tokens: 60,
  depth: 5,
  aliases: 3,
  selections: 12,
  operations: 2,
  batch: 2,
  values: 20,
};
/** Bodies that are over one limit and within all others. */
const OVER = {
  bytes: { query: "{ hello }", variables: { x: "x".repeat(1_000) } },
  tokens: { query: `query (${"$a: Int ".repeat(15)}) { hello }` },
  depth: {
    query: '{ product(id: "1") { ... on Node { ... on Node { ... on Node { ... on Node { id } } } } } }',
  },
  aliases: { query: "{ a: hello b: hello c: hello d: hello }" },
  selections: { query: "{ ...F ...F ...F ...F } fragment F on Query { hello x: hello y: hello }" },
  operations: { query: "query A { hello } query B { hello } query C { hello }", operationName: "A" },
  batch: [{ query: "{ hello }" }, { query: "{ hello }" }, { query: "{ hello }" }],
  values: { query: "{ hello }", variables: { x: Array(20).fill(0) } },
};
const postJson = (world, body) =>
  world.ask("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

test("what is over a limit is refused where the configuration says so, and passed on where not", async () => {
  const [refusing] = await start({ config: { limits: { ...AMOUNTS, refuse: true } } });
  const [passing] = await start({ config: { limits: AMOUNTS } });
  for (const world of [refusing, passing]) world.origin.saysJson({ data: { from: "the origin" } });
  for (const [limit, body] of Object.entries(OVER)) {
    const refused = await postJson(refusing, body);
    assert.deepEqual([refused.status, refused.xCache, detail(refused)], [400, "BYPASS", "over-limit"], limit);
    assert.deepEqual(refused.json.errors[0].extensions, { code: "OVER_LIMIT", limit });
    assert.match(refused.json.errors[0].message, new RegExp(`${AMOUNTS[limit]} ${limit}`));
    const passed = await postJson(passing, body);
    const reason = limit === "bytes" ? "body-too-large" : "over-limit";
    assert.deepEqual(
      [passed.status, passed.text, detail(passed)],
      [200, '{"data":{"from":"the origin"}}', reason],
    );
    assert.equal(passing.origin.requests.at(-1).body.toString(), JSON.stringify(body));
  }
  assert.deepEqual(refusing.origin.requests, [], "nothing reached the origin");
  const byGet = await refusing.ask(`/graphql?query=${encodeURIComponent(OVER.aliases.query)}`);
  assert.equal(byGet.status, 400);
});

test("the statistics have the most that a request within each limit needed", async () => {
  const [world] = await start({ config: { limits: AMOUNTS } });
  const highest = async () =>
    Object.fromEntries(
      Object.entries((await world.admin("stats")).json.limits).map(([name, { limit, highest }]) => {
        assert.equal(limit, AMOUNTS[name]);
        return [name, highest];
      }),
    );
  assert.deepEqual(Object.values(await highest()), [0, 0, 0, 0, 0, 0, 0, 0]);
  const body = { query: "{ a: hello ...F ...F } fragment F on Query { product { name } }" };
  await postJson(world, body);
  const expected = {
    bytes: JSON.stringify(body).length,
    tokens: 19,
    depth: 2,
    aliases: 1,
    selections: 7,
    operations: 1,
    batch: 0,
    values: 2,
  };
  assert.deepEqual(await highest(), expected);
  await postJson(world, { query: "{ hello }" });
  assert.deepEqual(await highest(), expected, "it only rises");
  world.origin.saysJson([]);
  await postJson(world, [{ query: "{ hello }" }, { query: "{ hello }" }]);
  assert.equal((await highest()).batch, 2);
});

test("what literals leave out, defaults and order make no other entry, and all else does", async () => {
  const [world] = await start();
  const share = async (first, ...others) => {
    assert.equal((await postJson(world, first)).xCache, "MISS", JSON.stringify(first));
    for (const other of others) {
      const answer = await postJson(world, other);
      assert.equal(answer.xCache, "HIT", JSON.stringify(other));
    }
  };
  const differ = async (...requests) => {
    for (const request of requests)
      assert.equal((await postJson(world, request)).xCache, "MISS", JSON.stringify(request));
  };
  await share(
    { query: '{ product(id: "1", first: 2) { name id } }' },
    { query: '{ product(first: 2, id: "1") { name, id } }' },
    { query: '{product(id:"1" first:2){name sku @skip(if: true) id}}' },
    { query: '{ product(id: "1", first: 2) { name @include(if: true) id @skip(if: false) } }' },
    { query: '{ product(id: "1", first: 2) { name ... on Product @include(if: false) { sku } id } }' },
  );
  const query = 'query Q($id: ID = "1", $first: Int = 3) { product(id: $id, first: $first) { name } }';
  await share(
    { query, operationName: "Q" },
    { query, variables: { id: "1" } },
    { query, variables: { first: 3, id: "1" } },
    { query, variables: { first: 3, other: true } },
  );
  const skipping = "query S($v: Boolean = true) { product { name sku @skip(if: $v) } }";
  await share({ query: skipping }, { query: skipping, variables: { v: true } });
  await differ(
    { query: '{ product(id: "1", first: 2) { id name } }' },
    { query: '{ product(id: "1", first: 3) { name id } }' },
    { query: '{ product(id: "1", first: 2) { name id sku @skip(if: false) } }' },
    { query, variables: { id: "2" } },
    { query, variables: { id: null } },
    { query, variables: { first: 4 } },
    { query: skipping, variables: { v: false } },
    { query: query.replace("= 3", "= 4") },
  );
});

test("a bare document and a compressed body have entries of their own", async () => {
  const [world, shop] = await start();
  const json = Buffer.from(JSON.stringify({ query: ONE }));
  const forms = {
    json: [{ "content-type": "application/json" }, json],
    document: [{ "content-type": "application/graphql" }, Buffer.from(ONE)],
    gzip: [{ "content-type": "application/json", "content-encoding": "gzip" }, gzipSync(json)],
    deflate: [{ "content-type": "application/json", "content-encoding": "deflate" }, deflateSync(json)],
  };
  const ask = ([headers, body]) => world.ask("/graphql", { method: "POST", headers, body });
  const expected = await directly(world, ONE);
  for (const [name, form] of Object.entries(forms)) {
    assert.deepEqual([(await ask(form)).xCache, (await ask(form)).xCache], ["MISS", "HIT"], name);
    assert.equal((await ask(form)).text, expected, name);
  }
  // An origin that knows JSON alone: its refusals and its answers do not mix.
  await world.admin("purge", { body: { all: true } });
  const answer = world.origin.answer;
  world.origin.answer = (request, response, body) =>
    request.headers["content-encoding"] || request.headers["content-type"] !== "application/json"
      ? response.writeHead(415).end()
      : answer(request, response, body);
  for (const [name, form] of Object.entries(forms)) {
    for (let time = 0; time < 2; time += 1) {
      const { status, text } = await ask(form);
      assert.deepEqual([status, text], name === "json" ? [200, expected] : [415, ""], name);
    }
  }
  // And what they bring to the origin is what came.
  world.origin.answer = answer;
  shop.products[1].name = "another";
  const [headers, body] = forms.gzip;
  await ask([headers, body]);
  assert.ok(world.origin.requests.at(-1).body.equals(body));
  const mutation = gzipSync(JSON.stringify({ query: RENAME_PRODUCT }));
  await ask([headers, mutation]);
  assert.notEqual((await ask(forms.json)).xCache, "HIT", "a compressed mutation is one");
});
