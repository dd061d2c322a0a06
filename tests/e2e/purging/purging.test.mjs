// Writes and purges: what they purge, everywhere, and what they leave.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { TOKEN } from "../lib/purge-token.mjs";
import { startWorld } from "../lib/world.mjs";

const MAX_LAG = 2;
const world = await startWorld({
  places: 2,
  config: {
    default: { ttl: 300 },
    types: {
      product: {
        match: ["rest:/api/products/**", "graphql:Query.product"],
        ttl: 7200,
        swr: 60,
        tags: ["catalog"],
      },
      user: { match: ["rest:/api/users/**", "graphql:Query.user"], ttl: 1800 },
      mine: { match: ["rest:/api/me"], ttl: 60, scope: "session" },
    },
    scopes: { session: { by: ["cookie:session"] } },
    mutations: { rules: { "track*": [] } },
    resources: [
      { path: "/api/products/:id", tags: ["Product", "Product:{id}"] },
      { path: "/api/users/:id", tags: ["User", "User:{id}"] },
    ],
    purge: { max_lag: MAX_LAG },
  },
});

const PRODUCT = "{ product { __typename id name } }";
const USER = "{ user { __typename id name } }";
const UNTYPED = "{ product { name } }";

/** Answers with the current version of everything; mutations answer as the test says. */
let version = 0;
let mutationAnswer;
beforeEach(async () => {
  version += 1;
  mutationAnswer = { data: { x: { ok: true } } };
  world.origin.answer = (request, response, body) => {
    const { query = "" } = request.url.startsWith("/graphql") && body.length > 0 ? JSON.parse(body) : {};
    const thing = (type) => ({
      ...(query.includes("__typename") ? { __typename: type, id: "42" } : {}),
      name: `v${version}`,
    });
    let answer = { name: `v${version}` };
    if (query.startsWith("mutation")) answer = mutationAnswer;
    else if (query.includes("product")) answer = { data: { product: thing("Product") } };
    else if (query.includes("user")) answer = { data: { user: thing("User") } };
    response
      .writeHead(answer.status ?? 200, { "content-type": "application/json" })
      .end(JSON.stringify(answer));
  };
  await world.admin("purge", { body: { all: true } });
});

const entries = {
  product: () => world.graphql(PRODUCT),
  user: () => world.graphql(USER),
  untyped: () => world.graphql(UNTYPED),
  restProduct: () => world.ask("/api/products/42"),
  otherProduct: () => world.ask("/api/products/43"),
  restUser: () => world.ask("/api/users/7"),
};

/** Stores every entry, writes, and says which of them are gone. */
async function goneAfter(write) {
  for (const ask of Object.values(entries)) await ask();
  for (const [name, ask] of Object.entries(entries)) assert.equal((await ask()).xCache, "HIT", name);
  version += 1;
  const answer = await write();
  const gone = [];
  for (const [name, ask] of Object.entries(entries)) {
    const now = await ask();
    if (now.text.includes(`"v${version}"`)) gone.push(name);
    else assert.ok(["HIT", "STALE"].includes(now.xCache), `${name}: ${now.cacheStatus}`);
  }
  return { answer, gone };
}

const everything = Object.keys(entries);
const ofProduct = ["product", "untyped", "restProduct", "otherProduct"];

test("a mutation purges the types in its answer, and what is not known", async () => {
  mutationAnswer = {
    data: { updateProduct: { __typename: "P", product: { __typename: "Product", id: "42" } } },
  };
  const { answer, gone } = await goneAfter(() =>
    world.graphql("mutation { updateProduct(id: 42) { __typename product { __typename id } } }"),
  );
  assert.deepEqual(gone, ofProduct);
  assert.match(answer.headers.get("evergraph-purge"), TOKEN);
  assert.deepEqual(
    [answer.xCache, answer.cacheStatus],
    ["BYPASS", "evergraph; fwd=bypass; fwd-status=200; detail=mutation"],
  );
  assert.equal(answer.text, JSON.stringify(mutationAnswer));
});

test("a mutation that names nothing is judged by its field's name", async () => {
  for (const field of ["deleteProduct", "update_product", "bulkDeleteProducts", "ProductCreate"]) {
    mutationAnswer = { data: { [field]: { ok: true } } };
    assert.deepEqual(
      (await goneAfter(() => world.graphql(`mutation { ${field} { ok } }`))).gone,
      ofProduct,
      field,
    );
  }
});

test("a mutation whose name means nothing purges everything", async () => {
  assert.deepEqual((await goneAfter(() => world.graphql("mutation { x { ok } }"))).gone, everything);
});

test("a rule replaces the policy", async () => {
  mutationAnswer = { data: { trackVisit: { ok: true } } };
  const { answer, gone } = await goneAfter(() => world.graphql("mutation { trackVisit { ok } }"));
  assert.deepEqual([gone, answer.headers.get("evergraph-purge")], [[], null]);
});

test("only proof that nothing ran keeps the cache", async () => {
  const write = () => world.graphql("mutation { deleteProduct { ok } }");
  mutationAnswer = { errors: [{ message: "no" }] };
  assert.deepEqual((await goneAfter(write)).gone, []);
  mutationAnswer = { status: 400, errors: [{ message: "no" }] };
  assert.deepEqual((await goneAfter(write)).gone, []);
  mutationAnswer = { data: { deleteProduct: null }, errors: [{ message: "perhaps" }] };
  assert.deepEqual((await goneAfter(write)).gone, ofProduct);
  mutationAnswer = { status: 500 };
  assert.deepEqual((await goneAfter(write)).gone, ofProduct);
  const answer = world.origin.answer;
  const { answer: broken, gone } = await goneAfter(async () => {
    world.origin.answer = (request) => request.socket.destroy();
    const reply = await write();
    world.origin.answer = answer;
    return reply;
  });
  assert.deepEqual([broken.status, gone], [502, ofProduct]);
});

test("a mutation by GET, and what may be one, is treated as one", async () => {
  const forms = {
    get: () => world.ask(`/graphql?query=${encodeURIComponent("mutation { x { ok } }")}`),
    form: () =>
      world.ask("/graphql", {
        method: "POST",
        body: new URLSearchParams({ query: "mutation { x { ok } }" }),
      }),
    persisted: () =>
      world.ask("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"documentId":"1"}',
      }),
    batch: () =>
      world.ask("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '[{"query":"mutation { x { ok } }"}]',
      }),
    unparsable: () => world.graphql("mutation { x { ok } ????"),
  };
  const answer = world.origin.answer;
  for (const [name, write] of Object.entries(forms)) {
    world.origin.answer = (request, response, body) =>
      request.method === "GET" && !request.url.includes("mutation")
        ? answer(request, response, body)
        : body.toString().startsWith('{"query":"{')
          ? answer(request, response, body)
          : response.writeHead(200, { "content-type": "application/json" }).end('{"data":{"x":1}}');
    assert.deepEqual((await goneAfter(write)).gone, everything, name);
  }
});

test("a batch of queries and a document without a mutation purge nothing", async () => {
  const batch = () =>
    world.ask("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '[{"query":"{ product { name } }"}]',
    });
  const answer = world.origin.answer;
  world.origin.answer = (request, response, body) =>
    body.toString().startsWith("[") ? response.writeHead(200).end("[]") : answer(request, response, body);
  const { answer: reply, gone } = await goneAfter(batch);
  assert.deepEqual(gone, []);
  assert.match(reply.cacheStatus, /^evergraph; hit; ttl=\d+; detail=batch$/);
});

test("a REST write purges its path and its resources, in GraphQL too", async () => {
  for (const method of ["PUT", "DELETE", "PATCH", "POST"]) {
    const { answer, gone } = await goneAfter(() => world.ask("/api/products/42", { method, body: "{}" }));
    assert.deepEqual(gone, ofProduct, method);
    assert.equal(answer.cacheStatus, "evergraph; fwd=method; fwd-status=200; detail=method");
    assert.match(answer.headers.get("evergraph-purge"), TOKEN);
  }
  const answer = world.origin.answer;
  world.origin.answer = (request, response, body) =>
    request.method === "PUT" ? response.writeHead(404).end() : answer(request, response, body);
  assert.deepEqual((await goneAfter(() => world.ask("/api/products/42", { method: "PUT" }))).gone, []);
});

test("the admin purges by each name, and by all of them together", async () => {
  const purge = async (body) => (await goneAfter(() => world.admin("purge", { body }))).gone;
  assert.deepEqual(await purge({ tags: ["Product:42"] }), ["product", "untyped", "restProduct"]);
  assert.deepEqual(await purge({ tags: ["catalog"] }), ofProduct);
  assert.deepEqual(await purge({ types: ["user"] }), ["user", "restUser"]);
  assert.deepEqual(await purge({ operations: ["anonymous"] }), ["product", "user", "untyped"]);
  assert.deepEqual(await purge({ paths: ["/api/products/43"] }), ["otherProduct"]);
  assert.deepEqual(await purge({ patterns: ["rest/product/**"] }), ["restProduct", "otherProduct"]);
  assert.deepEqual(await purge({ all: true }), everything);
  const both = await world.admin("purge", {
    body: { tags: ["a", "b"], paths: ["/x"], patterns: ["gql/**"] },
  });
  assert.deepEqual([both.json.tags, both.json.patterns, typeof both.json.seq], [3, 1, "number"]);
});

test("a soft purge makes stale, and one request fetches again", async () => {
  await entries.restProduct();
  await world.admin("purge", { body: { types: ["product"], soft: true } });
  const asked = world.origin.requests.length;
  const stale = await entries.restProduct();
  assert.equal(stale.xCache, "STALE");
  await world.until(() => world.origin.requests.length === asked + 1, "the entry is fetched again");
  await world.until(async () => (await entries.restProduct()).xCache === "HIT", "the new entry is served");
});

test("another data centre has the entry from KV, and sees a purge within max_lag", async () => {
  const here = await world.ask("/api/products/42");
  await world.until(() => world.kv.entries.size > 0, "the entry is in KV");
  await world.until(async () => {
    const there = await world.ask("/api/products/42", {}, 1);
    return there.text === here.text && /detail=(kv|memory)$/.test(there.cacheStatus);
  }, "the other place has it from KV");
  version += 1;
  await world.ask("/api/products/42", { method: "PUT", body: "{}" });
  await wait(MAX_LAG * 1000);
  assert.match((await world.ask("/api/products/42", {}, 1)).text, new RegExp(`v${version}`));
});

test("a client that shows its write's token reads nothing older, anywhere, at once", async () => {
  await world.ask("/api/products/42", {}, 1);
  await world.until(
    async () => (await world.ask("/api/products/42", {}, 1)).xCache === "HIT",
    "stored there",
  );
  version += 1;
  const write = await world.ask("/api/products/42", { method: "PUT", body: "{}" });
  const headers = { "evergraph-purge": write.headers.get("evergraph-purge") };
  assert.match((await world.ask("/api/products/42", { headers }, 1)).text, new RegExp(`v${version}`));
});

test("an answer that was fetched before a purge is not served after it", async () => {
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  const answer = world.origin.answer;
  world.origin.answer = async (request, response, body) => {
    const then = version;
    if (request.method === "GET") await held;
    const now = version;
    version = then;
    await answer(request, response, body);
    version = now;
  };
  const asked = world.origin.requests.length;
  const slow = world.ask("/api/products/42");
  await world.until(() => world.origin.requests.length > asked, "the slow read is under way");
  version += 1;
  await world.admin("purge", { body: { tags: ["Product:42"] } });
  release();
  assert.match((await slow).text, new RegExp(`v${version - 1}`));
  world.origin.answer = answer;
  const next = await world.ask("/api/products/42");
  assert.match(next.text, new RegExp(`v${version}`), next.cacheStatus);
});

test("entries and purges outlive the isolates", async () => {
  await entries.restProduct();
  await entries.restUser();
  await world.until(() => world.kv.entries.size > 1, "the entries are in KV");
  version += 1;
  await world.admin("purge", { body: { tags: ["Product:42"] } });
  await world.restart();
  assert.match((await entries.restProduct()).text, new RegExp(`v${version}`));
  const user = await entries.restUser();
  assert.equal(user.xCache, "HIT", user.cacheStatus);
  assert.match(user.cacheStatus, /detail=(edge|kv)$/);
});

test("an answer that changes the session's cookie ends the old session's entries", async () => {
  const mine = () => world.ask("/api/me", { headers: { cookie: "session=old" } });
  const first = await mine();
  assert.equal((await mine()).text, first.text);
  const answer = world.origin.answer;
  version += 1;
  world.origin.says(200, { "set-cookie": "session=; Max-Age=0" }, "bye");
  await world.ask("/logout", { method: "POST", headers: { cookie: "session=old" } });
  world.origin.answer = answer;
  assert.match((await mine()).text, new RegExp(`v${version}`));
});

test("a write whose client leaves is purged all the same", async () => {
  await entries.restProduct();
  assert.equal((await entries.restProduct()).xCache, "HIT");
  const answer = world.origin.answer;
  let release;
  world.origin.answer = (request, response, body) => {
    if (request.method === "GET") return answer(request, response, body);
    release = () => answer(request, response, body);
  };
  const leaves = new AbortController();
  const write = world.ask("/api/products/42", { method: "PUT", body: "{}", signal: leaves.signal });
  await world.until(() => release !== undefined, "the write is under way");
  version += 1;
  leaves.abort();
  await assert.rejects(write);
  await new Promise((resolve) => setTimeout(resolve, 200));
  release();
  world.origin.answer = answer;
  await world.until(
    async () => (await entries.restProduct()).text.includes(`"v${version}"`),
    "the write's purge shows",
  );
});
