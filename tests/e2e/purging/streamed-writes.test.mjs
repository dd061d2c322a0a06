// Writes whose answers come bit by bit: the origin may change data until the end.

import assert from "node:assert/strict";
import { test } from "node:test";
import { recordOf, TOKEN } from "../lib/purge-token.mjs";
import { ask, held, open, Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: {
      api: { match: ["rest:/p/**", "rest:/held/**"], ttl: 600 },
      product: { match: ["graphql:Query.product"], ttl: 600 },
    },
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);
const JSON_TYPE = { "content-type": "application/json" };
const LONG = "x".repeat(3 << 20);

let version = 0;
let mutating = null;
/** A path whose reads say which version it is of, and whose writes `write` answers. */
const written = (write) =>
  paths.add((request, response) =>
    request.method === "GET"
      ? response.writeHead(200, JSON_TYPE).end(JSON.stringify({ version }))
      : write(response),
  );
paths.at("/graphql", (_request, response, body) => {
  if (body.includes("mutation")) return mutating(response);
  const product = { __typename: "Product", id: 1, version };
  return response.writeHead(200, JSON_TYPE).end(JSON.stringify({ data: { product } }));
});

/** A write, as its answer begins, and a read of what it changes. */
function rest(write) {
  const path = written(write);
  return {
    begin: (more = {}) => open(world.url(path), { method: "PUT", body: "{}", ...more }),
    read: () => paths.get(path),
  };
}

function graphql(write) {
  const post = (query) => ({ method: "POST", headers: JSON_TYPE, body: JSON.stringify({ query }) });
  mutating = write;
  const mutation = post("mutation { updateProduct { __typename id } }");
  return {
    begin: (more = {}) => open(world.url("/graphql"), { ...mutation, ...more }),
    read: () => ask(world.url("/graphql"), post("{ product { __typename id version } }")),
  };
}

const versionOf = (answer) => JSON.parse(answer.text).version ?? JSON.parse(answer.text).data.product.version;

/** Stores what is read now, and returns its version. */
async function store(read) {
  await world.until(async () => (await read()).xCache === "HIT", "it is stored");
  return versionOf(await read());
}

/** Answers with a head and a beginning, and with the end once it is released. */
function inTwoParts(headers, first, last, status = 200) {
  const { promise, release } = held();
  const write = async (response) => {
    response.writeHead(status, headers).write(first);
    await promise;
    if (last === null) response.destroy();
    else response.end(last);
  };
  return { write, release };
}

const event = (data) => `event: next\ndata: ${JSON.stringify(data)}\n\n`;
const part = (data) => `\r\n---\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(data)}`;
const nothing = { data: { updateProduct: null } };

for (const [what, of, headers, first, last] of [
  ["a REST answer without a length", rest, JSON_TYPE, "[1,", "2]"],
  [
    "a long REST answer with a length",
    rest,
    { "content-length": 200_000 },
    "a".repeat(150_000),
    "b".repeat(50_000),
  ],
  ["a coded REST answer", rest, { "content-encoding": "x-own" }, "[1,", "2]"],
  ["a refusal that is no refusal of all", rest, JSON_TYPE, "[1,", "2]", 207],
  ["an event stream", graphql, { "content-type": "text/event-stream" }, event(nothing), event(nothing)],
  [
    "several parts",
    graphql,
    { "content-type": 'multipart/mixed; boundary="-"' },
    part({ ...nothing, hasNext: true }),
    `${part({ hasNext: false })}\r\n-----\r\n`,
  ],
  ["a long GraphQL answer", graphql, JSON_TYPE, `{"data":{"updateProduct":null,"more":"${LONG}`, '"}}'],
  ["a page", graphql, { "content-type": "text/html" }, "<html>", "</html>"],
  ["a refusal in an event stream", graphql, { "content-type": "text/event-stream" }, event(nothing), "", 401],
]) {
  test(`${what} purges at its head and at its end`, async () => {
    const { write, release } = inTwoParts(headers, first, last);
    const { begin, read } = of(write);
    const before = await store(read);
    const answer = await begin();
    assert.match(answer.headers["evergraph-purge"], TOKEN);
    const length = headers["content-length"];
    assert.equal(answer.headers["content-length"], length === undefined ? undefined : `${length}`);
    assert.equal((await read()).xCache, "MISS", "the head purges");
    assert.equal(await store(read), before, "what the origin has not changed yet is stored again");
    version += 1;
    release();
    const { bytes, broken } = await answer.rest();
    assert.ok(!broken && bytes.equals(Buffer.from(first + last)), "the body is the origin's");
    const after = await read();
    assert.equal(after.xCache, "MISS", "the end purges before the client sees it");
    assert.equal(versionOf(after), version);
    assert.equal(await store(read), version, "and what is stored from then on stays");
  });
}

test("what is not read ahead reaches the client at once", async () => {
  const { write, release } = inTwoParts(JSON_TYPE, "first", "last");
  const { begin } = rest(write);
  const answer = await begin();
  assert.equal(`${await answer.next()}`, "first", "while the origin holds back the rest");
  release();
  assert.equal(`${(await answer.rest()).bytes}`, "last");
});

test("a body that breaks off purges, and breaks off for the client", async () => {
  for (const [of, headers] of [
    [rest, JSON_TYPE],
    [graphql, { "content-type": "text/event-stream" }],
  ]) {
    const { write, release } = inTwoParts(headers, "first", null);
    const { begin, read } = of(write);
    await store(read);
    const answer = await begin();
    await store(read);
    version += 1;
    release();
    const { bytes, broken } = await answer.rest();
    assert.ok(broken && `${bytes}` === "first");
    await world.until(async () => versionOf(await read()) === version, "the end purges");
  }
});

test("a client that leaves does not keep its write from being purged", async () => {
  for (const [of, headers] of [
    [rest, JSON_TYPE],
    [graphql, { "content-type": "text/event-stream" }],
  ]) {
    const { write, release } = inTwoParts(headers, "first", "last");
    const { begin, read } = of(write);
    await store(read);
    const answer = await begin();
    assert.equal(`${await answer.next()}`, "first");
    await store(read);
    version += 1;
    answer.leave();
    release();
    await world.until(async () => versionOf(await read()) === version, "the end purges");
  }
});

test("neither does one that leaves in the middle of a long body", async () => {
  const { write } = inTwoParts({ "content-length": 2_000_000 }, "a".repeat(1_000_000), "");
  const { begin, read } = rest(write);
  await store(read);
  const answer = await begin();
  await answer.next();
  await store(read);
  version += 1;
  answer.leave();
  const deadline = Date.now() + 40_000;
  while (versionOf(await read()) !== version) {
    assert.ok(Date.now() < deadline, "it is purged again and again");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
});

test("a client that does not read does not hold back the purge", async () => {
  const { write, release } = inTwoParts(JSON_TYPE, "first", "last");
  const { begin, read } = rest(write);
  await store(read);
  const answer = await begin();
  await store(read);
  version += 1;
  release();
  await world.until(async () => versionOf(await read()) === version, "the end purges");
  assert.equal(`${(await answer.rest()).bytes}`, "firstlast");
});

test("a write whose answer has ended is purged once", async () => {
  const number = async () =>
    (await world.admin("purge", { body: { patterns: ["gql/nothing/**"] } })).json.seq;
  for (const write of [
    (response) => response.writeHead(200, { ...JSON_TYPE, "content-length": 2 }).end("{}"),
    (response) => response.writeHead(204).end(),
    (response) => response.writeHead(201, { "content-length": 0 }).end(),
    (response) => response.writeHead(303, { location: "/p/other", "content-length": 0 }).end(),
  ]) {
    const { begin, read } = rest(write);
    await store(read);
    const before = await number();
    const answer = await begin();
    await answer.rest();
    assert.equal(recordOf(answer.headers["evergraph-purge"]).seq, before + 1);
    assert.equal((await read()).xCache, "MISS");
    assert.equal(await number(), before + 2);
  }
});

test("a refusal that is streamed purges nothing", async () => {
  const { write, release } = inTwoParts(JSON_TYPE, "[1,", "2]", 404);
  const { begin, read } = rest(write);
  await store(read);
  const answer = await begin();
  release();
  await answer.rest();
  assert.equal(answer.headers["evergraph-purge"], undefined);
  assert.equal((await read()).xCache, "HIT");
});

test("a body that takes long is purged before it is there, and after", async () => {
  const { write, release } = inTwoParts(JSON_TYPE, '{"data":{"updateProduct":', "null}}");
  const { begin, read } = graphql(write);
  await store(read);
  const beginning = begin();
  await world.until(async () => (await read()).xCache === "MISS", "it is purged while its body is read");
  await store(read);
  version += 1;
  release();
  const answer = await beginning;
  assert.equal(`${(await answer.rest()).bytes}`, '{"data":{"updateProduct":null}}');
  assert.equal(versionOf(await read()), version);
});
