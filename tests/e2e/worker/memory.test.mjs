// The memory of bodies in flight: however many come at once, they stay within the budget, every answer
// is right, and writes still purge. What is measured is what V8 counts as alive, Wasm's memory included.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, test } from "node:test";
import { Heap, measuredEntry } from "../lib/heap.mjs";
import { RawOrigin } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const MIB = 1 << 20;
const BUDGET = 48 * MIB;
/** What the Worker takes by itself, and what one body may take before it is refused. */
const SLACK = 12 * MIB;

const config = {
  types: {
    api: { match: ["rest:/api/**"], ttl: 600 },
    item: { match: ["graphql:Query.item"], ttl: 600 },
  },
  kv: { timeout_ms: 30_000 },
};
const world = await startWorld({ inspector: true, entry: measuredEntry, config });
const heap = await Heap.of(world);

const json = { "content-type": "application/json" };
const inMib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;
const zeros = (bytes) => `[${"0,".repeat(Math.floor(bytes / 2) - 1)}0]`;
const detail = (answer) => /detail=([\w-]+)$/.exec(answer.cacheStatus)?.[1];

/** Asks for all of them at once, and measures while the origin holds all its answers back. */
async function measured(count, ask, body) {
  const held = [];
  world.origin.answer = (request, response, sent) => held.push(() => body(request, response, sent));
  const asking = Array.from({ length: count }, (_, n) => ask(n));
  await world.until(() => held.length === count, "all of them are in flight");
  const alive = (await heap.alive()).all;
  for (const answer of held) answer();
  return { alive, answers: await Promise.all(asking) };
}

const post = (body, headers = json) => world.ask("/graphql", { method: "POST", headers, body });
const echoedLength = (_request, response, sent) =>
  response.writeHead(200, json).end(JSON.stringify({ data: { item: { id: "1", length: sent.length } } }));

let base;

test("the worker by itself", async () => {
  world.origin.answer = (_request, response) =>
    response.writeHead(200, json).end('{"data":{"item":{"id":"0"}}}');
  await post('{"query":"{ item { id } }"}');
  assert.equal((await post('{"query":"{ item { id } }"}')).xCache, "HIT");
  base = (await heap.alive()).all;
});

const large = (n, variables) =>
  `{"query":"query Q${n}($a: [Int!]) { item(a: $a) { id length } }","variables":{"a":${variables}}}`;

test("six bodies of 1 MiB in variables at once", async (t) => {
  const size = MIB - 200;
  for (const [variables, reasons] of [
    // Half a million values: no tree is made of them.
    [zeros(size), ["over-limit"]],
    [zeros(90_000), [undefined]],
    [`"${"x".repeat(size)}"`, [undefined, "memory-in-flight"]],
    [`[${'{"a":0},'.repeat(20_000)}0]`, [undefined, "memory-in-flight"]],
  ]) {
    const bodies = Array.from({ length: 6 }, (_, n) => large(n, variables));
    const { alive, answers } = await measured(bodies.length, (n) => post(bodies[n]), echoedLength);
    for (const [n, answer] of answers.entries()) {
      assert.equal(answer.status, 200);
      const { length } = answer.json.data.item;
      // A query with additions is a little longer.
      assert.ok(length >= bodies[n].length && length < bodies[n].length + 200, `${length}`);
      assert.ok(reasons.includes(detail(answer)), answer.cacheStatus);
    }
    t.diagnostic(`six of ${variables.slice(0, 10)}…: ${inMib(alive - base)}`);
    assert.ok(alive - base < BUDGET + SLACK, inMib(alive - base));
  }
});

test("what is unread counts as a mutation, and purges", async () => {
  world.origin.answer = (_request, response) =>
    response.writeHead(200, json).end('{"data":{"item":{"id":"0"}}}');
  await post('{"query":"{ item { id } }"}');
  assert.equal((await post('{"query":"{ item { id } }"}')).xCache, "HIT");
  const mutation = `{"query":"mutation { createItem { id } }","variables":{"a":"${"x".repeat(MIB - 200)}"}}`;
  const { answers } = await measured(
    8,
    () => post(mutation),
    (_request, response) =>
      response.writeHead(200, json).end('{"data":{"createItem":{"__typename":"Item","id":"1"}}}'),
  );
  assert.ok(answers.some((answer) => detail(answer) === "memory-in-flight"));
  assert.ok(answers.some((answer) => detail(answer) === "mutation"));
  for (const answer of answers) assert.ok(answer.headers.get("evergraph-purge"), answer.cacheStatus);
  world.origin.answer = (_request, response) =>
    response.writeHead(200, json).end('{"data":{"item":{"id":"2"}}}');
  const fresh = await post('{"query":"{ item { id } }"}');
  assert.deepEqual([fresh.xCache, fresh.json.data.item.id], ["MISS", "2"]);
  assert.equal((await post('{"query":"{ item { id } }"}')).xCache, "HIT");
});

/** Begins an answer of that size, and holds its last bytes back. */
function begun(sizes, held) {
  return (request, response) => {
    const n = Number(request.url.split("/").at(-1));
    const body = Buffer.alloc(sizes, `${n}`);
    response.writeHead(200, { "content-type": "text/plain", "cache-control": "max-age=600" });
    response.write(body.subarray(0, -10));
    held.push(() => response.end(body.subarray(-10)));
  };
}

test("ten REST answers of 5.5 MB at once", async (t) => {
  const size = 5_500_000;
  const held = [];
  world.origin.answer = begun(size, held);
  const clients = await Promise.all(
    Array.from({ length: 10 }, (_, n) => fetch(world.url(`/api/large/${n}`))),
  );
  const read = clients.map(() => 0);
  const reading = clients.map(async (response, n) => {
    for await (const chunk of response.body) {
      assert.ok(chunk.every((byte) => byte === 48 + n));
      read[n] += chunk.length;
    }
  });
  await world.until(() => read.every((bytes) => bytes === size - 10), "the clients read along");
  const alive = (await heap.alive()).all;
  for (const end of held) end();
  await Promise.all(reading);
  assert.deepEqual(
    read,
    clients.map(() => size),
  );
  t.diagnostic(`ten answers: ${inMib(alive - base)}`);
  assert.ok(alive - base < BUDGET + SLACK, inMib(alive - base));
  const notStored = () =>
    world.events("not-stored").filter(({ reason }) => reason === "memory-in-flight").length;
  await world.until(() => notStored() > 0 && notStored() < 10, "some are stored, and some are not");
  const after = (await heap.alive()).all;
  t.diagnostic(`afterwards: ${inMib(after - base)}`);
  assert.ok(after - base < BUDGET + SLACK, inMib(after - base));
});

test("the budget is free again afterwards: a large answer is stored, and a hit", async () => {
  const size = 7_900_000;
  const held = [];
  world.origin.answer = begun(size, held);
  const first = fetch(world.url("/api/large/8"));
  await world.until(() => held.length === 1, "it is asked");
  held[0]();
  assert.equal((await (await first).arrayBuffer()).byteLength, size);
  await world.until(async () => (await world.ask("/api/large/8")).xCache === "HIT", "it is stored");
  assert.equal((await world.ask("/api/large/8")).text.length, size);
});

/** Asks for a path, and never reads the answer. */
function asksOnly(path, fields = "") {
  const socket = connect(Number(new URL(world.url()).port), "127.0.0.1");
  socket.pause().on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: shop.example\r\n${fields}\r\n`);
  return socket;
}

const plain = { "content-type": "text/plain", "cache-control": "max-age=600" };
const reasons = () => world.events("not-stored").map(({ reason }) => reason);

/** Waits until an answer that takes nearly all of the budget is stored. */
async function untilFree(path) {
  world.origin.answer = (_request, response) => response.writeHead(200, plain).end(Buffer.alloc(7_900_000));
  await world.until(async () => (await world.ask(path)).xCache === "HIT", "the budget is free again");
}

/** Asks for one path after the other, so that each one alone would have the whole budget. */
async function assertUnreadCounts(t, name, length, { headers, asked } = {}) {
  const sockets = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const body = Buffer.alloc(length, "u");
  world.origin.answer = (_request, response) => {
    response.writeHead(200, { ...plain, ...headers }).write(body);
    response.end();
  };
  // Wasm's memory does not shrink, so it is what the tests before have left.
  const before = (await heap.alive()).all;
  const done = () => reasons().length + world.kv.entries.size;
  const [doneBefore, refusedBefore] = [done(), reasons().length];
  for (let n = 1; n <= 30; n += 1) {
    sockets.push(asksOnly(`/api/${name}/${n}`, asked));
    await world.until(() => done() >= doneBefore + n, "it is stored, or it is said why not");
  }
  const alive = (await heap.alive()).all;
  const refused = reasons().slice(refusedBefore);
  t.diagnostic(`thirty unread: ${inMib(alive - before)}, of which ${refused.length} are not stored`);
  assert.ok(alive - before < BUDGET + SLACK, inMib(alive - before));
  for (const socket of sockets) socket.destroy();
  await untilFree(`/api/${name}/free`);
}

test("what is too large and its client does not read counts until the client leaves", (t) =>
  assertUnreadCounts(t, "too-large", 20_000_000));

test("so does what was to be read whole before its client gets it, and is too large for that", (t) =>
  assertUnreadCounts(t, "whole", 20_000_000, { asked: 'If-None-Match: "x"\r\n' }));

test("so does what is stored and its client does not read", async (t) => {
  await assertUnreadCounts(t, "chunked", 7_900_000);
  await assertUnreadCounts(t, "announced", 7_900_000, { headers: { "content-length": "7900000" } });
});

const odd = await new RawOrigin().listen();
after(() => odd.close());

/** The least memory that can be configured. */
const small = await startWorld({
  originUrl: odd.url,
  config: { types: { item: { match: ["graphql:Query.item"], ttl: 60 } }, limits: { memory_in_flight: MIB } },
});

test("lengths that are no number do not end the budget", async () => {
  const answer = '{"data":{"item":{"__typename":"Item","id":"1"}}}';
  const chunked = `${answer.length.toString(16)}\r\n${answer}\r\n0\r\n\r\n`;
  const length = `Content-Length: ${answer.length}\r\n`;
  const withHead = (fields, body) =>
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${fields}\r\n${body}`;
  const ask = (body) => small.ask("/graphql", { method: "POST", headers: json, body });
  for (const [n, said] of [
    withHead(length, answer),
    withHead(length + length, answer),
    withHead("Content-Length: abc\r\nTransfer-Encoding: chunked\r\n", chunked),
    withHead("Content-Length: -5\r\nTransfer-Encoding: chunked\r\n", chunked),
    withHead(`${length}Transfer-Encoding: chunked\r\n`, chunked),
  ].entries()) {
    odd.at("/graphql", said);
    const query = `{"query":"query Odd${n} { item { __typename id } }"}`;
    const [first, second] = [await ask(query), await ask(query)];
    assert.deepEqual([first.text, first.xCache, second.xCache], [answer, "MISS", "HIT"], said);
    odd.at("/graphql", withHead(length, answer));
    const refused = await ask(large(n, `"${"x".repeat(MIB - 200)}"`));
    assert.deepEqual([refused.text, detail(refused)], [answer, "memory-in-flight"], said);
  }
});

test("a length of many digits is too large for anything", async () => {
  for (const length of ["99999999", "9".repeat(16), "9".repeat(19)]) {
    const path = odd.at(
      `/graphql?query={item{id${length.length}:id}}`,
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n{}`,
    );
    const answer = await fetch(small.url(path));
    assert.match(answer.headers.get("cache-status"), /too-large/);
    await answer.body.cancel();
  }
});

test.after(() => heap.close());
