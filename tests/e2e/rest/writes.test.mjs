// What a REST write purges, of REST and of GraphQL, and what purges REST.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    default: { ttl: 300 },
    types: { api: { match: ["rest:/api/**", "rest:/p/**"], ttl: 600 } },
    mutations: { policy: "entity" },
    resources: [
      { path: "/api/products/:id", tags: ["Product:{id}"] },
      { path: "/api/typed/:id", tags: ["Thing", "Thing:{id}"] },
      { path: "/api/lists/**", tags: ["Product:{$.items[*].id}"] },
      { path: "/api/orders", tags: ["Order:{$.id}"] },
    ],
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);
const JSON_TYPE = { "content-type": "application/json" };
const settle = () => world.admin("health");

let version = 0;
/** A path whose response contains its version, and other given content. */
function versioned(path, more = {}, headers = {}) {
  return paths.at(path, (request, response) => {
    if (request.method !== "GET") return response.writeHead(200, JSON_TYPE).end("{}");
    return response.writeHead(200, { ...JSON_TYPE, ...headers }).end(JSON.stringify({ version, ...more }));
  });
}

async function stored(path) {
  await paths.get(path);
  await settle();
  assert.equal((await paths.get(path)).xCache, "HIT", path);
}

/** Stores all of these, does something, and returns those that are gone. */
async function goneAfter(all, act) {
  for (const path of all) await stored(path);
  version += 1;
  await act();
  const gone = [];
  for (const path of all) if ((await paths.get(path)).xCache !== "HIT") gone.push(path);
  return gone;
}

let last = 0;
const unique = (prefix = "/p/w") => {
  last += 1;
  return versioned(`${prefix}${last}`);
};

for (const method of ["PUT", "DELETE", "POST", "PATCH", "PURGE", "MKCOL"]) {
  test(`${method} purges its target`, async () => {
    const [target, other] = [unique(), unique()];
    const query = `${target}?x=1`;
    const gone = await goneAfter([target, query, other], () => paths.send(method, target, { body: "{}" }));
    assert.deepEqual(gone, [target, query]);
  });
}

test("safe methods purge nothing", async () => {
  const target = unique();
  for (const method of ["HEAD", "OPTIONS"]) {
    assert.deepEqual(await goneAfter([target], () => paths.send(method, target)), [], method);
  }
});

test("what an answer points at goes, if it is of the same origin", async () => {
  const origin = () => world.origin.url;
  const own = () => world.url("").replace(/\/$/, "");
  for (const [name, value, goes] of [
    ["location", (path) => path, true],
    ["content-location", (path) => path, true],
    ["location", (path) => path.replace("/p/", ""), true],
    ["content-location", (path) => `./${path.replace("/p/", "")}?a=b#c`, true],
    ["location", (path) => `${own()}${path}`, true],
    ["content-location", (path) => `${own()}${path}`, true],
    ["location", (path) => `${origin()}${path}`, true],
    ["content-location", (path) => `${origin()}${path}`, true],
    ["location", (path) => `http://other.example${path}`, false],
    ["content-location", (path) => `//other.example${path}`, false],
    ["location", (path) => `${origin().replace(/\d$/, "")}${path}`, false],
    ["content-location", (path) => `http://user@other.example${path}`, false],
    ["link", (path) => `<${path}>`, false],
    ["location", () => "http://[nonsense", false],
  ]) {
    const pointed = unique();
    const target = paths.add((request, response) =>
      request.method === "GET"
        ? response.writeHead(200, JSON_TYPE).end(String(version))
        : response.writeHead(201, { [name]: value(pointed) }).end(),
    );
    const gone = await goneAfter([target, pointed], () => paths.send("POST", target, { body: "{}" }));
    assert.deepEqual(gone, goes ? [target, pointed] : [target], `${name}: ${value(pointed)}`);
  }
});

/** A path that reads well and whose writes answer so. */
function writesWith(status) {
  return paths.add((request, response) => {
    if (request.method === "GET") return response.writeHead(200, JSON_TYPE).end(String(version));
    return status === null ? response.destroy() : response.writeHead(status).end();
  });
}

test("an answer that says that nothing was done purges nothing", async () => {
  for (const status of [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 521, 530]) {
    const path = writesWith(status);
    const send = async () => assert.equal((await paths.send("PUT", path, { body: "{}" })).status, status);
    assert.deepEqual(await goneAfter([path], send), [], String(status));
  }
});

test("one that leaves it open purges, and so does none", async () => {
  for (const status of [200, 202, 204, 302, 303, 500, 501, 502, 503, 504, 520, null]) {
    const path = writesWith(status);
    const send = () => paths.send("PUT", path, { body: "{}" });
    assert.deepEqual(await goneAfter([path], send), [path], String(status));
    const writes = paths.asked(path).filter(({ method }) => method === "PUT");
    assert.equal(writes.length, 1, "a write is sent once");
  }
});

/** GraphQL answers about products and orders, by id. */
paths.at("/graphql", (_request, response, body) => {
  const { query } = JSON.parse(body);
  const [, type, id] = /(product|order)\(id: (\d+)\)/.exec(query) ?? [];
  const thing = { __typename: type === "order" ? "Order" : "Product", id, name: `v${version}` };
  const field = query.startsWith("mutation") ? "change" : type;
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ data: { [field]: thing } }));
});
const read = (type, id) => world.graphql(`{ ${type}(id: ${id}) { __typename id name } }`);
const change = (type, id) => world.graphql(`mutation { change: ${type}(id: ${id}) { __typename id name } }`);

test("a REST write purges the GraphQL entries that hold the entity, and not others", async () => {
  versioned("/api/products/7");
  for (const id of [7, 8]) await read("product", id);
  for (const id of [7, 8]) assert.equal((await read("product", id)).xCache, "HIT");
  await paths.send("PUT", "/api/products/7", { body: "{}" });
  assert.equal((await read("product", 7)).xCache, "MISS");
  assert.equal((await read("product", 8)).xCache, "HIT");
});

test("a REST write purges what its answer shows", async () => {
  paths.at("/api/orders", (_request, response) => response.writeHead(201, JSON_TYPE).end('{"id":3}'));
  for (const id of [3, 4]) await read("order", id);
  await paths.send("POST", "/api/orders", { body: "{}" });
  assert.equal((await read("order", 3)).xCache, "MISS");
  assert.equal((await read("order", 4)).xCache, "HIT");
});

test("a mutation purges the REST entries of what it shows", async () => {
  const all = ["/api/products/21", "/api/products/22"].map((path) => versioned(path));
  assert.deepEqual(await goneAfter(all, () => change("product", 21)), ["/api/products/21"]);
});

test("a write to one of a type whose resource names the type purges all of it", async () => {
  const all = ["/api/typed/1", "/api/typed/2"].map((path) => versioned(path));
  assert.deepEqual(await goneAfter(all, () => paths.send("PUT", all[0], { body: "{}" })), all);
});

test("lists go with what they show", async () => {
  const lists = {
    "/api/lists/one": [{ id: 1 }, { id: 2 }],
    "/api/lists/two": [{ id: 3 }, { id: "4" }],
    "/api/lists/none": [],
    "/api/lists/hidden": [{ id: 3 }, { name: "no id" }],
  };
  for (const [path, items] of Object.entries(lists)) versioned(path, { items });
  const text = paths.at("/api/lists/text", 200, { "content-type": "text/plain" }, "no JSON");
  const all = [...Object.keys(lists), text];
  const unsure = ["/api/lists/none", "/api/lists/hidden", text];
  const purge = (tag) => () => world.admin("purge", { body: { tags: [tag] } });
  assert.deepEqual(await goneAfter(all, purge("Product:2")), ["/api/lists/one", ...unsure]);
  assert.deepEqual(await goneAfter(all, purge("Product:4")), ["/api/lists/two", ...unsure]);
  assert.deepEqual(await goneAfter(all, purge("Product")), all);
  versioned("/api/products/1");
  const put = () => paths.send("PUT", "/api/products/1", { body: "{}" });
  assert.deepEqual(await goneAfter(all, put), ["/api/lists/one", ...unsure]);
  assert.deepEqual(await goneAfter(all, () => change("product", 3)), [
    "/api/lists/two",
    "/api/lists/none",
    "/api/lists/hidden",
    text,
  ]);
});

test("an origin's own tags count, and a validation adds to them", async () => {
  for (const [header, value] of [
    ["cache-tag", "own-1, own-2"],
    ["surrogate-key", "own-1 own-2"],
    ["xkey", "own-1,own-2"],
  ]) {
    const path = versioned(`/api/tagged/${header}`, {}, { [header]: value });
    const other = unique("/api/tagged/other");
    for (const tag of ["own-1", "own-2"]) {
      const purge = () => world.admin("purge", { body: { tags: [tag] } });
      assert.deepEqual(await goneAfter([path, other], purge), [path], `${header} ${tag}`);
    }
    assert.equal((await paths.get(path)).headers[header], undefined);
  }
  const path = paths.add((request, response) => {
    const known = request.headers["if-none-match"] !== undefined;
    response.writeHead(known ? 304 : 200, { etag: '"a"', "cache-tag": known ? "later" : "first" }).end();
  });
  for (const tag of ["first", "later"]) {
    await stored(path);
    await world.admin("purge", { body: { tags: [`path:${path}`], soft: true } });
    assert.equal((await paths.get(path)).xCache, "REVALIDATED");
    const purge = () => world.admin("purge", { body: { tags: [tag] } });
    assert.deepEqual(await goneAfter([path], purge), [path], tag);
  }
});

test("a write reaches a path however it is spelled", async () => {
  for (const [one, other] of [
    ["/p/sp%61ce", "/p/space"],
    ["/p/sl%2Fash", "/p/sl%2Fash?x"],
    ["/p/dou//ble", "/p/dou//ble?x"],
  ]) {
    versioned(one);
    versioned(other.split("?")[0]);
    assert.deepEqual(await goneAfter([one], () => paths.send("PUT", other, { body: "{}" })), [one]);
  }
});
