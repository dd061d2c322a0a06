// A response reaches the client while it arrives, and is stored at the same time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { ask, held, open, Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: { slow: { match: ["rest:/slow/**"], ttl: 600 } },
    origin_timeout: { read_ms: 0 },
  },
});
const paths = new Paths(world);

const FRESH = { "cache-control": "max-age=600", "content-type": "text/plain" };
const settle = () => world.admin("health");
const notStored = (path) =>
  world.events("not-stored").filter(({ key }) => key.includes(`/${path.slice(1).replaceAll("/", "~")}/`));

/** Asks for what is stored, and nothing else, until it is there. */
async function hit(path) {
  let answer;
  await world.until(async () => {
    answer = await paths.get(path, { "cache-control": "only-if-cached" });
    return answer.xCache === "HIT";
  }, `${path} is stored`);
  return answer;
}

/** An answer of two chunks, the second of which is held back. */
function inTwo(more = {}) {
  const gate = held();
  const answer = async (_request, response) => {
    response.writeHead(200, { ...FRESH, ...more });
    response.write("one ");
    await gate.promise;
    if (gate.breaks) response.destroy();
    else response.end("two");
  };
  return { answer, gate };
}

test("the client reads the first bytes before the origin has sent the last", async () => {
  const { answer, gate } = inTwo();
  const path = paths.add(answer);
  const streamed = await open(world.url(path));
  assert.equal(streamed.headers["cache-status"], "evergraph; fwd=miss; fwd-status=200; stored");
  assert.equal((await streamed.next()).toString(), "one ");
  gate.release();
  const { bytes, broken } = await streamed.rest();
  assert.deepEqual([bytes.toString(), broken], ["two", false]);
  const then = await hit(path);
  assert.deepEqual([then.text, paths.asked(path).length], ["one two", 1]);
  assert.match(then.headers.etag, /^"eg-/);
});

test("a length that the origin has said reaches the client of the miss", async () => {
  const { answer, gate } = inTwo({ "content-length": "7" });
  const path = paths.add(answer);
  const streamed = await open(world.url(path));
  assert.equal((await streamed.next()).toString(), "one ");
  gate.release();
  const { bytes } = await streamed.rest();
  assert.deepEqual([bytes.toString(), streamed.headers["content-length"]], ["two", "7"]);
  assert.equal((await hit(path)).text, "one two");
});

test("a body that breaks off breaks off for the client, and is not stored", async () => {
  for (const more of [{}, { "content-length": "7" }]) {
    const { answer, gate } = inTwo(more);
    const path = paths.add(answer);
    const streamed = await open(world.url(path));
    assert.equal((await streamed.next()).toString(), "one ");
    gate.breaks = true;
    gate.release();
    const { bytes, broken } = await streamed.rest();
    assert.deepEqual([bytes.toString(), broken], ["", true]);
    await world.until(() => notStored(path).length > 0, "it is said why");
    assert.equal(notStored(path)[0].reason, "broken");
    paths.at(path, 200, FRESH, "whole");
    const next = await paths.get(path);
    assert.deepEqual([next.xCache, next.text], ["MISS", "whole"]);
  }
});

test("so does one that is read whole for the client's conditions", async () => {
  const { answer, gate } = inTwo();
  const path = paths.add(answer);
  const asking = open(world.url(path), { headers: { "if-none-match": '"x"' } });
  await world.until(() => paths.asked(path).length === 1, "asked");
  gate.breaks = true;
  gate.release();
  // Its head may not have left yet.
  assert.ok(
    await asking.then(
      async ({ rest }) => (await rest()).broken,
      () => true,
    ),
  );
  paths.at(path, 200, FRESH, "whole");
  const next = await paths.get(path);
  assert.deepEqual([next.xCache, next.text], ["MISS", "whole"]);
});

test("a short body that comes long after its head is stored though its client has it already", async () => {
  const path = paths.add(async (_request, response) => {
    response.writeHead(200, { ...FRESH, etag: '"a"', "content-length": "3" }).flushHeaders();
    await delay(200);
    response.end("one");
  });
  assert.equal((await paths.get(path, { "if-none-match": '"a"' })).status, 304);
  assert.deepEqual([(await hit(path)).text, paths.asked(path).length], ["one", 1]);
});

test("what is over 8 MiB streams whole, and is not stored", async () => {
  const CHUNK = Buffer.alloc(1 << 20, "x");
  const path = paths.add(async (_request, response) => {
    response.writeHead(200, FRESH);
    for (let n = 0; n < 9; n += 1)
      await new Promise((resolve) => response.write(Buffer.from(CHUNK).fill(48 + n), resolve));
    response.end("end");
  });
  for (let n = 0; n < 2; n += 1) {
    const { bytes, broken, xCache } = await paths.get(path);
    assert.deepEqual([bytes.length, broken, xCache], [9 * CHUNK.length + 3, false, "MISS"]);
    for (let place = 0; place < 9; place += 1) assert.equal(bytes[place * CHUNK.length + 5], 48 + place);
    assert.equal(bytes.subarray(-3).toString(), "end");
    await world.until(() => notStored(path).length > n, "it is said why");
  }
  assert.deepEqual(new Set(notStored(path).map(({ reason }) => reason)), new Set(["too-large"]));
  const announced = paths.add(200, { ...FRESH, "content-length": String(9 << 20) }, Buffer.alloc(9 << 20));
  const answer = await paths.get(announced);
  assert.equal(answer.bytes.length, 9 << 20);
  assert.match(answer.cacheStatus, /detail=too-large$/);
});

test("what is just 8 MiB is stored", async () => {
  const path = paths.add(200, FRESH, Buffer.alloc(8 << 20, "y"));
  assert.equal((await paths.get(path)).bytes.length, 8 << 20);
  const { bytes } = await hit(path);
  assert.ok(bytes.length === 8 << 20 && bytes.every((byte) => byte === 121));
});

test("a client that leaves in the middle does not keep it from being stored", async () => {
  const { answer, gate } = inTwo();
  const path = paths.add(answer);
  const leaving = await open(world.url(path));
  assert.equal((await leaving.next()).toString(), "one ");
  leaving.leave();
  await settle();
  gate.release();
  assert.equal((await hit(path)).text, "one two");
  assert.equal(paths.asked(path).length, 1);
});

test("twenty that ask at once get one answer of the origin", async () => {
  const { answer, gate } = inTwo();
  const path = paths.at("/slow/crowd", answer);
  const asking = Array.from({ length: 20 }, () => paths.get(path));
  await world.until(() => paths.asked(path).length > 0, "the origin is asked");
  await settle();
  gate.release();
  const answers = await Promise.all(asking);
  assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(["one two"]));
  assert.equal(paths.asked(path).length, 1);
  assert.deepEqual(answers.map(({ xCache }) => xCache).sort(), [...Array(19).fill("HIT"), "MISS"]);
});

test("those who wait for an answer that breaks off ask for themselves", async () => {
  const { answer, gate } = inTwo();
  gate.breaks = true;
  const path = paths.at("/slow/breaks", answer);
  const first = paths.get(path);
  await world.until(() => paths.asked(path).length > 0, "the origin is asked");
  const others = Array.from({ length: 4 }, () => paths.get(path));
  await settle();
  paths.at(path, 200, FRESH, "whole");
  gate.release();
  assert.equal((await first).broken, true);
  for (const { text, broken } of await Promise.all(others))
    assert.deepEqual([text, broken], ["whole", false]);
});

test("who waits for an answer that is purged on the way asks again", async () => {
  const { answer, gate } = inTwo();
  const path = paths.at("/slow/purged", answer);
  const first = paths.get(path);
  await world.until(() => paths.asked(path).length > 0, "the origin is asked");
  const others = Array.from({ length: 4 }, () => paths.get(path));
  await settle();
  paths.at(path, 200, FRESH, "new");
  await world.admin("purge", { body: { tags: [`path:${path}`] } });
  gate.release();
  assert.equal((await first).text, "one two");
  for (const { text } of await Promise.all(others)) assert.equal(text, "new");
  assert.equal((await paths.get(path)).text, "new");
});

test("an answer that is purged while it is sent is not used again", async () => {
  for (const purge of [
    (path) => world.admin("purge", { body: { tags: [`path:${path}`] } }),
    (path) => paths.send("PATCH", path, { body: "{}" }),
  ]) {
    const { answer, gate } = inTwo();
    const path = paths.add((request, response) =>
      request.method === "GET" ? answer(request, response) : response.end(),
    );
    const streamed = await open(world.url(path));
    assert.equal((await streamed.next()).toString(), "one ");
    assert.equal((await purge(path)).status, 200);
    gate.release();
    assert.equal((await streamed.rest()).bytes.toString(), "two");
    paths.at(path, 200, FRESH, "new");
    for (let n = 0; n < 3; n += 1) assert.equal((await paths.get(path)).text, "new");
  }
});

test("a client that does not read does not keep it from being stored", async (t) => {
  const path = paths.add(200, FRESH, Buffer.alloc(6 << 20, "z"));
  const unread = await open(world.url(path));
  t.after(() => unread.leave());
  await hit(path);
  assert.equal(paths.asked(path).length, 1);
  const { bytes, broken } = await unread.rest();
  assert.deepEqual([bytes.length, broken], [6 << 20, false]);
});

test("gzip and br of the origin are undone for the cache, and reach who accepts them", async () => {
  const text = "coded ".repeat(200);
  for (const [coding, coded] of [
    ["gzip", gzipSync(text)],
    ["br", brotliCompressSync(text)],
  ]) {
    const path = paths.add(200, { ...FRESH, "content-encoding": coding }, coded);
    const plain = await paths.get(path);
    assert.deepEqual([plain.headers["content-encoding"], plain.text], [undefined, text], coding);
    const then = await hit(path);
    assert.deepEqual([then.headers["content-encoding"], then.text], [undefined, text], coding);
    const part = await paths.get(path, { range: "bytes=0-4" });
    assert.deepEqual([part.status, part.text], [206, "coded"]);
  }
  const path = paths.add(200, { ...FRESH, "content-encoding": "gzip" }, gzipSync(text));
  const first = await paths.get(path, { "accept-encoding": "gzip" });
  assert.deepEqual([first.headers["content-encoding"], first.bytes[0]], ["gzip", 0x1f]);
  assert.equal((await hit(path)).text, text);
});

test("another coding is passed as it is, and stored so", async () => {
  for (const [coding, coded] of [
    ["deflate", deflateSync("deflated")],
    ["x-own", Buffer.from([0, 1, 2, 255])],
    ["deflate, gzip", gzipSync(deflateSync("twice"))],
  ]) {
    const path = paths.add(200, { ...FRESH, "content-encoding": coding }, coded);
    const first = await paths.get(path, { "accept-encoding": "deflate, x-own" });
    assert.deepEqual([first.status, first.headers["content-encoding"], first.bytes], [200, coding, coded]);
    const then = await hit(path);
    assert.deepEqual([then.headers["content-encoding"], then.bytes], [coding, coded]);
  }
});

test("an answer without a body is stored", async () => {
  for (const status of [200, 204, 404]) {
    const path = paths.add(status, FRESH);
    const first = await paths.get(path);
    assert.deepEqual([first.status, first.text, first.xCache], [status, "", "MISS"]);
    const then = await hit(path);
    assert.deepEqual([then.status, then.text], [status, ""]);
  }
});

test("HEAD of what is not stored has no body, and stores nothing", async () => {
  const path = paths.add(200, { ...FRESH, "content-length": "4" }, "body");
  const head = await ask(world.url(path), { method: "HEAD" });
  assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", "4"]);
  assert.match(head.cacheStatus, /detail=method$/);
  assert.equal((await paths.get(path)).xCache, "MISS");
});
