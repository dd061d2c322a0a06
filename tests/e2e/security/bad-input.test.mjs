// Input that is broken: each with its exact status, the origin asked as the client asked, and
// nothing lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: { types: { product: { match: ["rest:/api/**", "graphql:Query.kept"], ttl: 600 } } },
});
world.origin.answer = (request, response, body) => {
  const fine = request.method === "GET" || body.toString().includes("kept");
  response.writeHead(fine ? 200 : 400, { "content-type": "application/json" });
  response.end(
    fine
      ? '{"data":{"kept":1}}'
      : JSON.stringify({ errors: [{ message: "not understood" }], got: body.length }),
  );
};

const json = "application/json";
const nested = (depth) => `{"query":"{ a }","variables":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`;
const GRAPHQL = [
  ["an empty body", json, "", "unparsable"],
  ["broken JSON", json, '{"query": "{ a', "unparsable"],
  ["JSON that is no object", json, '"query"', "unparsable"],
  ["null", json, "null", "unparsable"],
  ["an empty object", json, "{}", "persisted"],
  ["a query that is no string", json, '{"query":{"a":1}}', "unparsable"],
  ["variables that are no object", json, '{"query":"{ a }","variables":"x"}', "unparsable"],
  ["an operation name that is no string", json, '{"query":"{ a }","operationName":[]}', "unparsable"],
  ["an unknown operation", json, '{"query":"query A { a }","operationName":"B"}', "no-such-operation"],
  ["an empty document", json, '{"query":""}', "persisted"],
  ["a document that is none", json, '{"query":"hello {"}', "unparsable"],
  ["an unknown content type", "text/yaml", "query: x", "content-type"],
  ["no content type", null, '{"query":"{ a }"}', "content-type"],
  ["another charset", "application/json; charset=utf-16", "x", "content-type"],
  ["invalid UTF-8", json, Buffer.from('{"query":"{ a(b: \\"\xff\xfe\\") }"}', "latin1"), "unparsable"],
  ["a lone surrogate", json, '{"query":"{ a(b: \\"\\ud800\\") }"}', "unparsable"],
  [
    "deeply nested selections",
    json,
    JSON.stringify({ query: "{a".repeat(5_000) + "}".repeat(5_000) }),
    "over-limit",
  ],
  ["deeply nested lists", json, JSON.stringify({ query: `{ a(b: ${"[".repeat(50_000)}) }` }), "over-limit"],
  ["deeply nested variables", json, nested(5_000), "unparsable"],
  ["very many tokens", json, JSON.stringify({ query: `{ ${"a ".repeat(30_000)} }` }), "over-limit"],
  ["fragments in a circle", json, '{"query":"{ ...A } fragment A on Q { ...A }"}', "over-limit"],
  ["a fragment that is missing", json, '{"query":"{ ...A }"}', "unparsable"],
  [
    "unknown directives and odd names",
    json,
    '{"query":"query @a(b: $c) { __proto__ constructor { toString } }"}',
    null,
  ],
];

for (const [name, contentType, body, reason] of GRAPHQL) {
  test(`GraphQL: ${name}`, async () => {
    const asked = world.origin.requests.length;
    const bytes = Buffer.from(body);
    const answer = await world.ask("/graphql", {
      method: "POST",
      headers: contentType ? { "content-type": contentType } : {},
      body: contentType ? bytes : new Blob([bytes]),
    });
    assert.deepEqual([answer.status, answer.json.got], [400, bytes.length]);
    assert.equal(/detail=([\w-]+)$/.exec(answer.cacheStatus)[1], reason ?? "status");
    // If the origin refuses the request with additions, it gets the client's request unchanged.
    assert.equal(world.origin.requests.length, asked + (reason === null ? 2 : 1));
    assert.ok(bytes.equals(world.origin.requests.at(-1).body), "the body arrived as it was sent");
    assert.equal((await world.admin("health", { token: null })).status, 200, "the worker lives");
  });
}

test("GraphQL over GET, broken in each way, reaches the origin as it is", async () => {
  for (const query of [
    "query=",
    "query=%7B",
    "query=%ff",
    "query=a&query=b",
    "query=%7Ba%7D&variables=%7B",
    "extensions=1",
    "variables=1",
  ]) {
    const answer = await world.ask(`/graphql?${query}`);
    assert.deepEqual([answer.status, answer.xCache], [200, "BYPASS"], query);
    assert.equal(world.origin.requests.at(-1).url, `/graphql?${query}`);
  }
});

test("what the origin refuses for its form purges nothing", async () => {
  await world.graphql("{ kept }");
  const answer = world.origin.answer;
  for (const [status, type, body] of [
    [415, "text/yaml", "mutation { x }"],
    [415, "multipart/form-data; boundary=x", "--x--"],
    [400, "text/plain", "mutation { x }"],
    [413, "application/json", `{"query":"mutation { x }","x":"${"x".repeat(2 << 20)}"}`],
  ]) {
    world.origin.answer = (_request, response) => response.writeHead(status).end();
    const refused = await world.ask("/graphql", { method: "POST", headers: { "content-type": type }, body });
    world.origin.answer = answer;
    assert.equal(refused.status, status);
    assert.equal((await world.graphql("{ kept }")).xCache, "HIT", `${status} ${type}`);
  }
});

test("huge variables are a key like any other", async () => {
  const variables = { text: "x".repeat(500_000), list: Array.from({ length: 20_000 }, (_, n) => n) };
  const query = "query Kept($text: String, $list: [Int]) { kept(text: $text, list: $list) }";
  assert.equal((await world.graphql(query, { variables })).xCache, "MISS");
  assert.equal((await world.graphql(query, { variables })).xCache, "HIT");
  variables.list[7] = 8;
  assert.equal((await world.graphql(query, { variables })).xCache, "MISS");
});

test("odd URLs and headers are the origin's to judge", async () => {
  for (const path of [
    "/api/%",
    "/api/%zz",
    "/api//x",
    "/api/..%2f..%2fx",
    "/api/x?%ff=%00",
    `/api/${"x".repeat(10_000)}`,
    `/api/?${"a=b&".repeat(3_000)}`,
  ]) {
    assert.equal((await world.ask(path)).status, 200, path.slice(0, 40));
    assert.equal((await world.ask(path)).status, 200, path.slice(0, 40));
  }
  for (const headers of [
    { "if-none-match": '"' },
    { "cache-control": 'max-age="', pragma: "x" },
    { cookie: "=; ;;=x" },
    { accept: ";;q=x,,," },
    { "evergraph-purge": "-1" },
    { "evergraph-purge": "x" },
    { "evergraph-debug": "1" },
    { authorization: "" },
  ]) {
    assert.equal((await world.ask("/api/headers", { headers })).status, 200, JSON.stringify(headers));
  }
});

test("only the right token opens the admin routes", async () => {
  await world.graphql("{ kept }");
  for (const token of [null, "wrong", `${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(1), ""]) {
    for (const [route, body] of [
      ["purge", { all: true }],
      ["stats", undefined],
    ]) {
      const answer = await world.admin(route, { body, token });
      assert.deepEqual(
        [answer.status, answer.headers.get("www-authenticate")],
        [401, 'Bearer realm="evergraph"'],
      );
    }
  }
  assert.equal((await world.graphql("{ kept }")).xCache, "HIT", "nothing was purged");
});

test("a broken purge is 400 with the path of what is wrong, and purges nothing", async () => {
  await world.graphql("{ kept }");
  for (const [body, path] of [
    ["", ""],
    ["{", ""],
    ["[]", ""],
    ["{}", ""],
    ['{"all":"yes"}', "all"],
    ['{"tag":["x"]}', "tag"],
    ['{"all":true,"tags":"x"}', "tags"],
    ['{"all":true,"tags":["ok",7]}', "tags[1]"],
    ['{"all":true,"tags":["a b"]}', "tags[0]"],
    ['{"all":true,"patterns":["product/**"]}', "patterns[0]"],
    ['{"all":true,"paths":["x"]}', "paths[0]"],
  ]) {
    const answer = await world.admin("purge", { body, method: "POST" });
    assert.deepEqual([answer.status, answer.json.path], [400, path], body);
  }
  assert.equal((await world.graphql("{ kept }")).xCache, "HIT", "nothing was purged");
});

test("unknown routes, wrong methods and wrong windows", async () => {
  for (const route of ["nothing", "purge/", "metrics/x"])
    assert.equal((await world.admin(route)).status, 404, route);
  for (const [route, method, allow] of [
    ["purge", "GET", "POST"],
    ["stats", "POST", "GET, HEAD"],
    ["health", "DELETE", "GET, HEAD"],
  ]) {
    const answer = await world.admin(route, { method });
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, allow]);
  }
  assert.equal((await world.admin("stats?window=0")).status, 400);
  assert.equal((await world.admin("stats?window=x")).status, 400);
  assert.equal((await world.admin("stats?window=60")).status, 200);
});

test("without tokens there are no admin routes, and without KV the edge cache serves alone", async () => {
  const bare = await startWorld({
    adminTokens: null,
    kv: false,
    config: { types: { product: { match: ["rest:/api/**"], ttl: 600 } } },
  });
  bare.origin.saysJson({ n: 1 });
  for (const route of ["purge", "stats", "health"]) {
    assert.equal((await bare.admin(route, { method: route === "purge" ? "POST" : "GET" })).status, 404);
  }
  await bare.ask("/api/x");
  const isAtEdge = () => [...bare.caches[0].entries.keys()].some((key) => key.includes("api~x"));
  await bare.until(isAtEdge, "it is at the edge");
  await bare.restart();
  assert.match((await bare.ask("/api/x")).cacheStatus, /hit.*detail=edge$/);
});

test("a faulty configuration passes everything through, and says why in the log", async () => {
  const faulty = await startWorld({
    config: { types: { product: { match: ["rest:/api/**"], ttl: "600" } }, ttl: 1 },
  });
  faulty.origin.answer = (request, response, body) => response.end(`${request.method} ${body}`);
  for (let n = 0; n < 2; n += 1) {
    const read = await faulty.ask("/api/x");
    assert.deepEqual(
      [read.text, read.xCache, read.cacheStatus],
      ["GET ", "BYPASS", "evergraph; fwd=bypass; fwd-status=200; detail=config-error"],
    );
    const write = await faulty.ask("/api/x", { method: "POST", body: "x" });
    assert.deepEqual([write.text, write.xCache], ["POST x", "BYPASS"]);
  }
  assert.ok(
    faulty.events("purge").some(({ all, source }) => all && source === "config-error"),
    "a write purges, for the entries outlive the fault",
  );
  const [{ faults }, ...others] = faulty.events("config-error");
  assert.deepEqual(
    [faults[0], others],
    ['types.product.ttl: expected a whole number of seconds or "origin", found "600"', []],
  );
  assert.match(faults[1], /^ttl: unknown key/);
  assert.equal(
    (await faulty.admin("purge", { body: { all: true } })).status,
    503,
    "the token is not the origin's",
  );
  assert.ok(!faulty.origin.requests.some((request) => request.headers.authorization));
});
