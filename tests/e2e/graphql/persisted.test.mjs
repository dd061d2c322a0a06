// Documents by their hashes and by ids: as if they had been sent, and never another's.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { beforeEach, test } from "node:test";
import { Api } from "../lib/api.mjs";
import { TOKEN } from "../lib/purge-token.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const config = {
  types: { product: { match: ["graphql:Query.product"], ttl: 600 } },
  // Entries go only where a test purges them, or a mutation does.
  purge: { max_lag: 60 },
};
const world = await startWorld({ config });
const api = new Api(world.origin);

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const byHash = (hash) => ({ persistedQuery: { version: 1, sha256Hash: hash } });
const json = { "content-type": "application/json" };

function post(at, body, headers = {}) {
  return at.ask("/graphql", { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });
}
const get = (at, members, headers = {}) => {
  const texts = Object.entries(members).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return at.ask(`/graphql?${new URLSearchParams(texts)}`, { headers });
};
const last = (at) => at.origin.requests.at(-1);
const detail = (answer) => /detail=([\w-]+)$/.exec(answer.cacheStatus)?.[1];

/** A document that nobody knows yet. */
let count = 0;
const fresh = (body = "{ product { __typename id name } }") => {
  count += 1;
  return `query Q${count} ${body}`;
};

const NOT_FOUND = {
  errors: [{ message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } }],
};

beforeEach(async () => {
  world.kv.mode = "ok";
  await world.admin("purge", { body: { all: true } });
});

test("an unknown hash is answered as clients expect, and never reaches the origin", async () => {
  const asked = world.origin.requests.length;
  const extensions = byHash(sha256(fresh()));
  for (const ask of [post, get]) {
    const answer = await ask(world, { extensions }, { origin: "https://app.example" });
    assert.deepEqual([answer.status, answer.json], [200, NOT_FOUND]);
    assert.deepEqual(
      ["content-type", "cache-control", "access-control-allow-origin"].map((name) =>
        answer.headers.get(name),
      ),
      ["application/json; charset=utf-8", "private, no-cache, must-revalidate", "https://app.example"],
    );
    assert.deepEqual(
      [answer.xCache, answer.cacheStatus],
      ["BYPASS", "evergraph; fwd=bypass; detail=persisted-unknown"],
    );
  }
  const accept = "application/graphql-response+json, application/json;q=0.9";
  const newer = await post(world, { extensions }, { accept });
  assert.equal(newer.headers.get("content-type"), "application/graphql-response+json; charset=utf-8");
  assert.equal(world.origin.requests.length, asked);
});

test("a hash that was learned is the document: one entry, and the origin gets the document", async () => {
  const query = fresh();
  const extensions = byHash(sha256(query));
  const first = await post(world, { query, extensions });
  assert.equal(first.xCache, "MISS");
  for (const body of [{ extensions }, { query }, { query, extensions }]) {
    const again = await post(world, body);
    assert.deepEqual([again.xCache, again.text], ["HIT", first.text]);
  }
  await world.admin("purge", { body: { all: true } });
  const asked = world.origin.requests.length;
  const fetched = await post(world, { extensions: { ...extensions, evil: 1 } });
  assert.deepEqual([fetched.xCache, fetched.text], ["MISS", first.text]);
  assert.equal(world.origin.requests.length, asked + 1);
  assert.ok(!last(world).body.includes("evil"), "what is no part of the key");
  assert.ok(JSON.parse(last(world).body).query.startsWith(query.slice(0, 8)));
});

test("another isolate has it from KV, and believes KV only as far as the hash does", async () => {
  const [query, other] = [fresh(), fresh()];
  const key = `test/documents/${sha256(query)}`;
  await post(world, { query, extensions: byHash(sha256(query)) });
  await world.until(() => world.kv.entries.has(key), "the document is in KV");
  assert.equal(world.kv.entries.get(key).toString(), query);
  await world.restart();
  const writes = world.kv.writes;
  const known = await post(world, { extensions: byHash(sha256(query)) });
  assert.equal(known.json.data.product.name, "one");
  await post(world, { query, extensions: byHash(sha256(query)) });
  world.kv.entries.set(`test/documents/${sha256(other)}`, Buffer.from(query));
  assert.deepEqual((await post(world, { extensions: byHash(sha256(other)) })).json, NOT_FOUND);
  assert.ok(
    world.events("failure").some(({ part, fault }) => part === "kv-value" && fault.includes("that hash")),
  );
  const written = world.kv.lastWrite?.key;
  assert.ok(world.kv.writes === writes || written !== key, "what KV has is not written again");
});

test("a document that the origin refuses is known in the isolate and not written to KV", async () => {
  const written = (query) => world.kv.entries.has(`test/documents/${sha256(query)}`);
  const [refused, mutation] = [fresh(), `mutation M${count} { noSuchMutation }`];
  const error = {
    errors: [{ message: "Cannot query field", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }],
  };
  const answer = world.origin.answer;
  for (const status of [200, 400]) {
    world.origin.answer = (_request, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(error));
    };
    for (let n = 0; n < 2; n += 1)
      assert.deepEqual(
        (await post(world, { query: refused, extensions: byHash(sha256(refused)) })).json,
        error,
      );
  }
  assert.equal((await post(world, { query: mutation, extensions: byHash(sha256(mutation)) })).status, 400);
  assert.deepEqual((await post(world, { extensions: byHash(sha256(refused)) })).json, error);
  world.origin.answer = answer;
  const good = fresh();
  await post(world, { query: good, extensions: byHash(sha256(good)) });
  await world.until(() => written(good), "one that was answered is written");
  assert.deepEqual([written(refused), written(mutation)], [false, false]);
  assert.equal((await post(world, { extensions: byHash(sha256(refused)) })).status, 200);
  await world.until(() => written(refused), "and so is the other, once it is answered");
});

test("a document of a mutation, and of a query that is not looked up, is written once answered", async () => {
  const mutation = fresh('{ renameUser(name: "new") { name } }').replace("query", "mutation");
  for (const query of [mutation, fresh("{ me { name } }")]) {
    const extensions = byHash(sha256(query));
    const answer = await post(world, { query, extensions }, { authorization: "Bearer me" });
    assert.equal(answer.xCache, "BYPASS");
    await world.until(() => world.kv.entries.has(`test/documents/${sha256(query)}`), query);
  }
});

test("without KV, one not-found and it works", async () => {
  const bare = await startWorld({ config, kv: false });
  new Api(bare.origin);
  const query = fresh();
  const extensions = byHash(sha256(query));
  assert.deepEqual((await post(bare, { extensions })).json, NOT_FOUND);
  const first = await post(bare, { query, extensions });
  const again = await post(bare, { extensions });
  assert.deepEqual([first.xCache, again.xCache, again.text], ["MISS", "HIT", first.text]);
});

for (const mode of ["error", "hang", "reset", "garbage", "lose"]) {
  test(`KV dead: ${mode}`, async () => {
    await world.restart();
    world.kv.mode = mode;
    const query = fresh();
    const extensions = byHash(sha256(query));
    const began = Date.now();
    assert.deepEqual((await post(world, { extensions })).json, NOT_FOUND);
    assert.ok(Date.now() - began < 2_000, "KV is not waited for long");
    const first = await post(world, { query, extensions });
    assert.deepEqual([first.status, first.json.data.product.name], [200, "one"]);
    assert.equal((await post(world, { extensions })).xCache, "HIT");
  });
}

test("a wrong hash, and a document that is none, are not learned", async () => {
  const [query, other] = [fresh(), fresh()];
  const wrong = await post(world, { query, extensions: byHash(sha256(other)) });
  assert.equal(detail(wrong), "hash-mismatch");
  for (const hash of [sha256(query), sha256(other)])
    assert.deepEqual((await post(world, { extensions: byHash(hash) })).json, NOT_FOUND);
  const broken = "query {";
  await post(world, { query: broken, extensions: byHash(sha256(broken)) });
  assert.deepEqual((await post(world, { extensions: byHash(sha256(broken)) })).json, NOT_FOUND);
  assert.deepEqual(
    [...world.kv.entries.keys()].filter((key) =>
      [query, other, broken].some((text) => key.endsWith(sha256(text))),
    ),
    [],
  );
});

test("GET by hash shares the entry of the GET by text; a long one goes to the origin by POST", async () => {
  const query = fresh();
  const extensions = byHash(sha256(query));
  await post(world, { query, extensions });
  const first = await get(world, { extensions });
  assert.deepEqual([first.xCache, first.json.data.product.name], ["MISS", "one"]);
  assert.equal(last(world).method, "GET");
  assert.equal((await get(world, { query })).xCache, "HIT");
  assert.equal((await get(world, { extensions })).xCache, "HIT");

  const long = fresh(`($t: String) { product(text: $t) { name } } # ${"x".repeat(9_000)}`);
  await post(world, { query: long, extensions: byHash(sha256(long)) });
  const variables = { t: "é" };
  const asLong = await get(world, { variables, extensions: byHash(sha256(long)), tenant: "7" });
  assert.deepEqual([asLong.xCache, asLong.json.data.product.name], ["MISS", "one"]);
  const { method, url, body } = last(world);
  assert.deepEqual([method, url], ["POST", "/graphql?tenant=7"]);
  assert.deepEqual(JSON.parse(body).variables, variables);
});

test("a mutation by hash runs once, purges what it touched, and keeps its extensions", async () => {
  const query = fresh();
  const user = fresh("{ user { __typename id name } }");
  const mutation =
    'mutation M($name: String!) { renameProduct(id: "1", name: $name) { __typename id name } }';
  const extensions = { ...byHash(sha256(mutation)), mine: 1 };
  await post(world, { query: mutation, extensions, variables: { name: "first" } });
  await post(world, { query });
  await post(world, { query: user });
  const asked = world.origin.requests.length;
  const answer = await post(world, { extensions, variables: { name: "second" } });
  assert.deepEqual([detail(answer), answer.json.data.renameProduct.name], ["mutation", "second"]);
  assert.match(answer.headers.get("evergraph-purge"), TOKEN);
  assert.equal(world.origin.requests.length, asked + 1, "once");
  assert.deepEqual(JSON.parse(last(world).body), {
    extensions,
    variables: { name: "second" },
    query: mutation,
  });
  assert.equal((await post(world, { query })).json.data.product.name, "second");
  assert.equal((await post(world, { query: user })).xCache, "HIT", "and nothing else was purged");
  api.products[1] = "one";
});

test("a mutation by hash is asked once though the connection breaks, and purges then too", async () => {
  const query = fresh();
  const mutation = 'mutation Broken { renameProduct(id: "2", name: "two") { __typename id } }';
  const extensions = byHash(sha256(mutation));
  await post(world, { query: mutation, extensions });
  await post(world, { query });
  const answer = world.origin.answer;
  const asked = world.origin.requests.length;
  world.origin.answer = (request) => request.socket.destroy();
  assert.equal((await post(world, { extensions })).status, 502);
  world.origin.answer = answer;
  assert.equal(world.origin.requests.length, asked + 1);
  assert.notEqual((await post(world, { query })).xCache, "HIT");
});

test("a GET of a mutation's hash stays a GET, however long the document is", async () => {
  for (const comment of ["", ` # ${"x".repeat(9_000)}`]) {
    const mutation = `mutation ByGet { renameProduct(id: "3", name: "evil") { id } }${comment}`;
    // Learned without running: the origin is not there.
    const answer = world.origin.answer;
    world.origin.answer = (_request, response) => response.writeHead(503).end();
    await post(world, { query: mutation, extensions: byHash(sha256(mutation)) });
    world.origin.answer = answer;
    await get(world, { extensions: byHash(sha256(mutation)) });
    assert.equal(last(world).method, "GET");
    assert.equal(api.products[3], "three");
  }
});

test("what is passed through by hash reaches the origin in full", async () => {
  const query = fresh();
  const extensions = { ...byHash(sha256(query)), mine: 1 };
  await post(world, { query, extensions });
  const answer = await post(world, { extensions }, { authorization: "Bearer x" });
  assert.deepEqual([detail(answer), answer.json.data.product.name], ["authorization-without-scope", "one"]);
  assert.deepEqual(JSON.parse(last(world).body), { extensions, query });
  const byGet = await get(world, { extensions }, { authorization: "Bearer x" });
  assert.equal(byGet.json.data.product.name, "one");
  const unknown = await post(world, { extensions, operationName: "Nobody" });
  assert.deepEqual(
    unknown.json,
    NOT_FOUND,
    "the client sends the document, and the origin says what is wrong",
  );
});

test("with apq = origin, the origin is asked as the client asked", async () => {
  const theirs = await startWorld({ config: { ...config, graphql: { apq: "origin", inject: false } } });
  const origin = new Api(theirs.origin);
  const query = fresh();
  const hash = sha256(query);
  const body = { extensions: byHash(hash) };
  const user = fresh("{ user { __typename id name } }");
  await post(theirs, { query: user });
  const unknown = await post(theirs, body);
  assert.deepEqual(
    [unknown.json.errors[0].message, detail(unknown)],
    ["PersistedQueryNotFound", "persisted"],
  );
  assert.equal((await post(theirs, { query: user })).xCache, "HIT", "nothing ran, nothing is purged");
  origin.documents[hash] = query;
  assert.equal(detail(await post(theirs, body)), "persisted");
  assert.notEqual((await post(theirs, { query: user })).xCache, "HIT", "it might have been a mutation");
  assert.equal(detail(await get(theirs, body)), "persisted");
  assert.equal((await post(theirs, { query: user })).xCache, "HIT", "a GET is none");
  await post(theirs, { query, ...body });
  await theirs.admin("purge", { body: { all: true } });
  const known = await post(theirs, body);
  assert.equal(known.xCache, "MISS");
  assert.deepEqual(JSON.parse(last(theirs).body), body);
  assert.equal((await post(theirs, { query })).xCache, "HIT");
});

const upload = (at, body, options = {}) => at.admin("documents", { body, method: "POST", ...options });
const OPERATIONS = {
  product: 'query P($id: ID = "1") { product(id: $id) { __typename id name } }',
  rename: 'mutation R { renameProduct(id: "2", name: "renamed") { __typename id } }',
};
const APOLLO = {
  format: "apollo-persisted-query-manifest",
  version: 1,
  operations: [
    { id: "product", name: "P", type: "query", body: OPERATIONS.product },
    { id: "rename", name: "R", type: "mutation", body: OPERATIONS.rename },
  ],
};

for (const [format, manifest] of Object.entries({ Apollo: APOLLO, Relay: OPERATIONS })) {
  test(`documents by id, uploaded in ${format}'s format`, async () => {
    const place = await startWorld({ config, places: 2 });
    const origin = new Api(place.origin);
    origin.documents = OPERATIONS;
    assert.deepEqual((await place.admin("documents")).json, { documents: 0, bytes: 0 });
    assert.equal(detail(await post(place, { documentId: "product" })), "persisted");
    const bytes = Object.values(OPERATIONS).join("").length;
    const answer = await upload(place, manifest);
    assert.deepEqual([answer.status, answer.json], [200, { documents: 2, added: 2, bytes }]);
    assert.deepEqual((await place.admin("documents")).json, { documents: 2, bytes });
    assert.deepEqual((await upload(place, manifest)).json, { documents: 2, added: 0, bytes });

    for (const member of ["documentId", "doc_id", "id"]) {
      const first = await post(place, { [member]: "product" });
      assert.deepEqual([first.xCache, first.json.data.product.name], ["MISS", "one"], member);
      assert.deepEqual(JSON.parse(last(place).body), { [member]: "product" }, "as it came");
      const again = await post(place, { [member]: "product" });
      assert.deepEqual([again.xCache, again.text], ["HIT", first.text]);
      const other = await post(place, { [member]: "product", variables: { id: "2" } });
      assert.notEqual(other.xCache, "HIT");
    }
    assert.equal((await get(place, { documentId: "product" })).xCache, "MISS");
    assert.equal((await get(place, { documentId: "product" })).xCache, "HIT");

    const user = "{ user { __typename id name } }";
    await post(place, { query: user });
    const mutation = await post(place, { id: "rename" });
    assert.equal(detail(mutation), "mutation");
    const two = await post(place, { id: "product", variables: { id: "2" } });
    assert.equal(two.json.data.product.name, "renamed");
    assert.equal((await post(place, { query: user })).xCache, "HIT");

    // An isolate that has not looked yet loads them.
    const there = { ...place, ask: (path, init) => place.ask(path, init, 1) };
    assert.equal(detail(await post(there, { id: "rename" })), "mutation");
    await place.restart();
    assert.equal(detail(await post(place, { id: "rename" })), "mutation");
  });
}

test("uploads add to each other, a newer text wins, and ?replace=1 replaces all", async () => {
  const place = await startWorld({ config });
  const origin = new Api(place.origin);
  const ask = (id) => post(place, { id });
  await upload(place, { a: "{ product { name } }" });
  await upload(place, { b: "{ user { name } }" });
  origin.documents = { a: "{ user { name } }", b: "{ user { name } }" };
  const changed = await upload(place, { a: "{ user { name } }" });
  assert.deepEqual([changed.json.documents, changed.json.added], [2, 1]);
  assert.deepEqual((await ask("a")).json.data, { user: { name: "nobody" } });
  assert.equal((await ask("b")).xCache, "MISS");
  const replaced = await place.admin("documents?replace=1", {
    body: { c: "{ user { name } }" },
    method: "POST",
  });
  assert.deepEqual([replaced.json.documents, replaced.json.added], [1, 1]);
  assert.equal(detail(await ask("a")), "persisted");
  assert.equal((await place.admin("documents?replace=yes", { body: {} })).status, 400);
});

test("a hash that an upload names is an id: it means what the upload says", async () => {
  const place = await startWorld({ config });
  const origin = new Api(place.origin);
  const [query, meant] = ["{ product { name } }", "{ user { name } }"];
  const hash = sha256(query);
  origin.documents[hash] = meant;
  await post(place, { query, extensions: byHash(hash) });
  await upload(place, { [hash]: meant });
  const body = { extensions: byHash(hash) };
  const answer = await post(place, body);
  assert.deepEqual([answer.xCache, answer.json.data], ["MISS", { user: { name: "nobody" } }]);
  assert.deepEqual(JSON.parse(last(place).body), body);
  assert.equal((await post(place, { query: meant })).xCache, "MISS", "an id shares with no text");
  assert.deepEqual((await post(place, { query })).json.data, { product: { name: "one" } });
});

/** The status for an upload that says it has so many bytes. It is answered before they arrive. */
function statusOfLarge(length) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-length": length };
    const asking = request(world.url("/__evergraph/documents"), { method: "POST", headers }, (response) => {
      resolve(response.statusCode);
      asking.destroy();
    });
    asking.on("error", reject);
    asking.write("{");
  });
}

test("a broken upload is 400 with the path of what is wrong, and stores nothing", async () => {
  const before = (await world.admin("documents")).json;
  for (const [body, path] of [
    ["", ""],
    ["[]", ""],
    [{ a: 7 }, "a"],
    [{ a: "{ a }", b: "hello {" }, "b"],
    [{ "": "{ a }" }, ""],
    [{ ["x".repeat(257)]: "{ a }" }, "x".repeat(256)],
    [{ ...APOLLO, version: 2 }, "version"],
    [{ ...APOLLO, format: "other" }, "format"],
    [{ ...APOLLO, operations: [{ id: "a", body: "{ a }" }, { id: "b" }] }, "operations[1].body"],
    [Object.fromEntries(Array.from({ length: 20_001 }, (_, n) => [n, "{ a }"])), ""],
  ]) {
    const answer = await upload(world, body);
    assert.deepEqual([answer.status, answer.json.path], [400, path], JSON.stringify(body).slice(0, 80));
    assert.equal(typeof answer.json.error, "string");
  }
  assert.equal(await statusOfLarge((8 << 20) + 1), 413);
  assert.deepEqual((await world.admin("documents")).json, before);
});

test("only the right token uploads or counts, with the right method, and where there is KV", async () => {
  for (const token of [null, "wrong"]) {
    assert.equal((await upload(world, OPERATIONS, { token })).status, 401);
    assert.equal((await world.admin("documents", { token })).status, 401);
  }
  const wrong = await world.admin("documents", { method: "DELETE" });
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "GET, HEAD, POST"]);
  const bare = await startWorld({ config, kv: false });
  assert.equal((await upload(bare, OPERATIONS)).status, 503);
  assert.equal((await bare.admin("documents")).status, 503);
});

test("where KV does not say, ids pass to the origin, and nothing is lost of what is stored", async () => {
  const place = await startWorld({ config });
  const origin = new Api(place.origin);
  origin.documents = OPERATIONS;
  await upload(place, OPERATIONS);
  for (const mode of ["error", "hang", "garbage"]) {
    await place.restart();
    place.kv.mode = mode;
    const answer = await post(place, { id: "product" });
    assert.deepEqual([detail(answer), answer.json.data.product.name], ["persisted", "one"], mode);
    if (mode !== "garbage") continue;
    assert.equal((await upload(place, { c: "{ a }" })).status, 503, "what is damaged is not added to");
  }
  place.kv.mode = "ok";
  await place.restart();
  await post(place, { id: "product" });
  assert.equal((await post(place, { id: "product" })).xCache, "HIT");
  place.kv.mode = "error";
  assert.equal((await upload(place, { c: "{ a }" })).status, 503);
  assert.equal((await post(place, { id: "product" })).xCache, "HIT", "what was loaded stays");
});
