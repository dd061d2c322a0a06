// What the response to a write proves about whether anything ran, and what is purged then.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { recordOf } from "../lib/purge-token.mjs";
import { ask, Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    default: { ttl: 300 },
    types: {
      product: { match: ["graphql:Query.product"], ttl: 600 },
      api: { match: ["rest:/p/**"], ttl: 600 },
      short: { match: ["rest:/short/**"], ttl: 1, sie: 600 },
      origin: { match: ["rest:/origin/**"], ttl: "origin" },
    },
    resources: [{ path: "/tied/:id", tags: ["Tied:{id}"] }],
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);
const JSON_TYPE = { "content-type": "application/json" };
const HTML = { "content-type": "text/html" };

let version = 0;
/** What the next write is answered; none breaks the connection. */
let answer = null;
const answers = (response) => {
  if (answer === null) return response.destroy();
  const { status, headers = JSON_TYPE, body = "" } = answer;
  return response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers }).end(body);
};
paths.at("/graphql", (request, response, body) => {
  if (request.headers["x-write"] !== undefined) return answers(response);
  assert.ok(body.includes("product"));
  const product = { __typename: "Product", id: 1, version };
  return response.writeHead(200, JSON_TYPE).end(JSON.stringify({ data: { product } }));
});
const READ = JSON.stringify({ query: "{ product { __typename id version } }" });
const read = () => ask(world.url("/graphql"), { method: "POST", headers: JSON_TYPE, body: READ });

/** Stores an entry, does something, and says whether the entry is gone. */
async function purges(read, write) {
  await world.until(async () => (await read()).xCache === "HIT", "it is stored");
  version += 1;
  await write();
  return (await read()).xCache !== "HIT";
}

function post(body, headers = JSON_TYPE) {
  return ask(world.url("/graphql"), { method: "POST", headers: { "x-write": "1", ...headers }, body });
}

const json = (value) => JSON.stringify(value);
const data = { data: { updateProduct: { __typename: "Product", id: 1 } } };
const at = (...path) => ({ message: "failed", path });
const errors = (...all) => ({ errors: all });
const refusal = errors({ message: "refused" });

/** Answers to one mutation, and whether it is purged for them. */
const TO_ONE = [
  ["data", 200, json(data), true],
  ["errors alone", 200, json(refusal), false],
  ["errors and data that is null", 200, json({ data: null, ...refusal }), false],
  ["an error with a path and no data", 200, json(errors(at("updateProduct"))), true],
  ["an error with a path and data that is null", 200, json({ data: null, ...errors(at("a")) }), true],
  ["one error with a path among others", 200, json(errors({ message: "x" }, at("a", 0))), true],
  ["a path that is null", 200, json(errors({ message: "x", path: null })), false],
  ["something else", 200, json({ ok: true }), true],
  ["a page", 200, "<html>", true],
  ["a redirect", 307, "", true],
  ...[400, 401, 403, 409, 422].flatMap((status) => [
    [`data with ${status}`, status, json(data), true],
    [`data and errors with ${status}`, status, json({ ...data, ...errors(at("b")) }), true],
    [`an error with a path and ${status}`, status, json(errors(at("a"))), true],
    [`errors alone with ${status}`, status, json(refusal), false],
    [`no GraphQL with ${status}`, status, json({ error: "unauthorized" }), false],
    [`a page with ${status}`, status, "<html>", false],
    [`nothing with ${status}`, status, "", false],
    [`data that is not quite JSON with ${status}`, status, '{"data":{"price":NaN}}', true],
  ]),
  ["a failure", 500, json(refusal), true],
  ...[502, 503, 504, 520, 522, 524].map((status) => [`a gateway's ${status}`, status, json(refusal), true]),
  ...[521, 523, 525, 526, 530].map((status) => [`Cloudflare's ${status}`, status, "error code", false]),
];

test("a mutation purges unless its answer proves that nothing ran", async () => {
  const mutation = json({ query: "mutation { updateProduct { __typename id } }" });
  for (const [what, status, body, gone] of TO_ONE) {
    answer = { status, body };
    const write = async () => assert.equal((await post(mutation)).status, status);
    assert.equal(await purges(read, write), gone, what);
  }
  answer = null;
  assert.equal(await purges(read, () => post(mutation)), true, "no answer");
});

test("a body that cannot be read proves nothing", async () => {
  const mutation = json({ query: "mutation { updateProduct { __typename id } }" });
  const long = json({ ...refusal, more: "x".repeat(3 << 20) });
  for (const [what, headers, body, gone] of [
    ["coded in gzip", { ...JSON_TYPE, "content-encoding": "gzip" }, gzipSync(json(refusal)), false],
    ["data in gzip", { ...JSON_TYPE, "content-encoding": "gzip" }, gzipSync(json(data)), true],
    ["in an unknown coding", { ...JSON_TYPE, "content-encoding": "x-own" }, json(refusal), true],
    ["a page in an unknown coding", { ...HTML, "content-encoding": "x-own" }, "<html>", false],
    ["too long", JSON_TYPE, long, true],
    ["a long page", HTML, "x".repeat(1 << 20), false],
    ["events", { "content-type": "text/event-stream" }, `data: ${json(refusal)}\n\n`, true],
    ["JSON that says it is text", { "content-type": "text/plain" }, json(data), true],
    ["a refusal that says it is text", { "content-type": "text/plain" }, json(refusal), false],
  ]) {
    answer = { status: 400, headers, body };
    assert.equal(await purges(read, () => post(mutation)), gone, what);
  }
});

test("one refused request does not empty the cache", async () => {
  const boundary = { "content-type": "multipart/form-data; boundary=x" };
  const upload = `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${json({ query: "mutation { x }" })}\r\n--x--\r\n`;
  const unread = [
    ["a batch", json([{ query: "mutation{x}" }])],
    ["a list of anything", '[1,"mutation"]'],
    ["a batch of two", json([{ query: "mutation{x}" }, { query: "mutation{y}" }])],
    ["an upload", upload, boundary],
    [
      "brotli",
      brotliCompressSync(json({ query: "mutation{x}" })),
      { ...JSON_TYPE, "content-encoding": "br" },
    ],
    ["no JSON", "mutation", JSON_TYPE],
    [
      "a hash that nobody knows",
      json({ extensions: { persistedQuery: { version: 2, sha256Hash: "mutation" } } }),
    ],
  ];
  for (const [what, body, headers = JSON_TYPE] of unread) {
    for (const [status, of, gone] of [
      [400, json(refusal), false],
      [401, json({ error: "unauthorized" }), false],
      [400, json([refusal, refusal]), false],
      [415, "", false],
      [521, "", false],
      [400, json([refusal, data]), true],
      [401, json(errors(at("x"))), true],
      [200, json({ data: { x: 1 } }), true],
      [302, "", true],
    ]) {
      answer = { status, body: of };
      assert.equal(await purges(read, () => post(body, headers)), gone, `${what}, answered ${status} ${of}`);
    }
  }
});

test("each element of a batch counts by itself", async () => {
  const query = (name) => ({ query: `mutation { ${name} { __typename id } }` });
  const batch = json([query("updateProduct"), query("updateUser")]);
  const user = { data: { updateUser: { __typename: "User", id: 1 } } };
  for (const status of [200, 400]) {
    for (const [of, gone] of [
      [[data, user], true],
      [[data, refusal], true],
      [[refusal, user], false],
      [[refusal, refusal], false],
      [[errors(at("updateProduct")), refusal], true],
    ]) {
      answer = { status, body: json(of) };
      assert.equal(await purges(read, () => post(batch)), gone, `${status} ${json(of)}`);
    }
  }
  answer = { status: 200, body: json([refusal]) };
  assert.equal(await purges(read, () => post(batch)), true, "an element is missing");
});

/** A path of REST whose reads are stored and whose writes are answered as the test says. */
function restPath(prefix, headers = {}) {
  const path = `${prefix}${version}`;
  paths.at(path, (request, response) =>
    request.method === "GET"
      ? response.writeHead(200, { ...JSON_TYPE, ...headers }).end(json({ version }))
      : answers(response),
  );
  return path;
}

test("a REST write purges unless nothing was done", async () => {
  const fresh = { "cache-control": "max-age=600" };
  for (const [prefix, headers, byOrigin] of [
    ["/p/", {}, false],
    ["/tied/", fresh, false],
    ["/origin/", fresh, true],
    ["/none/", fresh, true],
  ]) {
    for (const [status, gone] of [
      ...[200, 201, 204, 302].map((status) => [status, true]),
      ...[400, 401, 403, 404, 409, 422, 429].map((status) => [status, false]),
      ...[500, 501, 505, 511].map((status) => [status, !byOrigin]),
      ...[502, 503, 504, 520, 522, 524, null].map((status) => [status, true]),
      ...[521, 523, 525, 526, 530].map((status) => [status, false]),
    ]) {
      const path = restPath(prefix, headers);
      answer = status === null ? null : { status, body: status === 204 ? "" : json(data) };
      const gets = () => paths.get(path);
      const write = () => paths.send("PUT", path, { body: "{}" });
      assert.equal(await purges(gets, write), gone, `${prefix} ${status}`);
    }
  }
});

test("a write that finds no origin does not end what stands in for it", async () => {
  const path = paths.at("/short/1", 200, JSON_TYPE, "{}");
  await paths.get(path);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  paths.at(path, 521, {}, "error code: 521");
  assert.equal((await paths.send("PUT", path, { body: "{}" })).status, 521);
  assert.equal((await paths.get(path)).xCache, "STALE");
  paths.at(path, 504, {}, "");
  await paths.send("PUT", path, { body: "{}" });
  assert.equal((await paths.get(path)).status, 504, "one that may have been done does");
});

test("purges of everything are counted by what caused them", async () => {
  const counts = async () => (await world.admin("stats")).json.purges_of_everything;
  const before = await counts();
  answer = { status: 200, body: json({ data: { doIt: 1 } }) };
  for (let n = 0; n < 2; n += 1) await post(json({ query: "mutation { doIt }" }));
  await post(json([{ query: "mutation { doIt }" }, { query: "{ a }" }]));
  await post('[1,"mutation"]');
  await world.admin("purge", { body: { all: true } });
  const after = await counts();
  assert.equal(after.total, before.total + 5);
  const more = Object.entries(after.by_source).map(([of, n]) => [of, n - (before.by_source[of] ?? 0)]);
  assert.deepEqual(Object.fromEntries(more.filter(([, n]) => n > 0)), {
    admin: 1,
    batch: 1,
    mutation: 2,
    "perhaps-mutation": 1,
  });
  assert.equal(after.by_field.doIt, 2);
});

test("writes that purge everything at the same time share a record", async () => {
  answer = { status: 200, body: json({ data: { doIt: 1 } }) };
  const writes = Array.from({ length: 20 }, () => post(json({ query: "mutation { doIt }" })));
  const tokens = (await Promise.all(writes)).map(({ headers }) => headers["evergraph-purge"]);
  const numbers = tokens.map((token) => recordOf(token).seq);
  assert.ok(numbers.every((number) => number > 0));
  assert.ok(new Set(numbers).size <= 3, `${numbers}`);
  const next = (await world.admin("purge", { body: { patterns: ["gql/nothing/**"] } })).json.seq;
  // The log may repeat a purge of the tests before in between.
  assert.ok(next > Math.max(...numbers) && next <= Math.max(...numbers) + 5);
});

test("what an origin does after its gateway gave up is seen", async () => {
  const path = restPath("/p/late");
  answer = { status: 504 };
  const gets = () => paths.get(path);
  assert.equal(await purges(gets, () => paths.send("PUT", path, { body: "{}" })), true);
  await world.until(async () => (await gets()).xCache === "HIT", "what was before is stored again");
  // The log keeps what it has to repeat.
  await world.restart();
  version += 1;
  const stale = await gets();
  assert.equal(JSON.parse(stale.text).version, version - 1, "nobody knows yet");
  const deadline = Date.now() + 30_000;
  while (JSON.parse((await gets()).text).version !== version) {
    assert.ok(Date.now() < deadline, "the purge is repeated");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
});
