// Parts that were stored: completed where they can be (RFC 9111 §3.4), and purged with the whole.

import assert from "node:assert/strict";
import { test } from "node:test";
import { held, Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: { typed: { match: ["rest:/typed/**"], ttl: 600, tags: ["typed"] } },
    resources: [{ path: "/typed/:id", tags: ["Product:{id}"] }],
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);

const BODY = "0123456789";
const FRESH = { "cache-control": "max-age=600", "content-type": "text/plain" };
const settle = () => world.admin("health");
const asks = (path) =>
  paths.asked(path).map(({ headers }) => [headers.range ?? null, headers["if-range"] ?? null]);

/** An origin that supports ranges; `tagged` are the additional headers of a 206. */
function serves(body, etag, headers = FRESH, ofRest = headers) {
  return (request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const condition = request.headers["if-range"];
    const named = etag === null ? {} : { etag };
    if (first === undefined || (condition !== undefined && condition !== etag)) {
      return response.writeHead(200, { ...headers, ...named }).end(body);
    }
    const end = last === "" ? body.length - 1 : Number(last);
    const said = condition === undefined ? headers : ofRest;
    response.writeHead(206, { ...said, ...named, "content-range": `bytes ${first}-${end}/${body.length}` });
    return response.end(body.slice(Number(first), end + 1));
  };
}

async function partStored(answer, range = "0-3", path = paths.add(answer)) {
  paths.at(path, answer);
  const first = await paths.get(path, { range: `bytes=${range}` });
  assert.equal(first.cacheStatus, "evergraph; fwd=miss; fwd-status=206; stored; detail=range");
  await settle();
  return path;
}

test("of a beginning that is stored only the rest is asked for", async () => {
  const path = await partStored(serves(BODY, '"a"'));
  const whole = await paths.get(path);
  assert.deepEqual([whole.status, whole.text, whole.headers["content-range"]], [200, BODY, undefined]);
  assert.deepEqual(asks(path).slice(1), [["bytes=4-", '"a"']]);
  assert.ok([undefined, "10"].includes(whole.headers["content-length"]));
  await settle();
  const hit = await paths.get(path);
  assert.deepEqual([hit.xCache, hit.text, hit.headers.etag], ["HIT", BODY, '"a"']);
});

test("one that has changed is asked for whole", async () => {
  const path = await partStored(serves(BODY, '"a"'));
  paths.at(path, serves("abcdefghij", '"b"'));
  const whole = await paths.get(path);
  assert.deepEqual([whole.status, whole.text, whole.headers.etag], [200, "abcdefghij", '"b"']);
  assert.deepEqual(asks(path).slice(1), [["bytes=4-", '"a"']]);
  await settle();
  assert.equal((await paths.get(path)).text, "abcdefghij");
});

test("a rest that does not fit is not joined to it", async () => {
  const reply =
    (range, etag, body, status = 206) =>
    (request, response) => {
      if (request.headers.range === undefined) return response.writeHead(200, FRESH).end("whole");
      return response.writeHead(status, { ...FRESH, etag, "content-range": range }).end(body);
    };
  for (const [name, rest] of [
    ["another tag", reply("bytes 4-9/10", '"b"', "fghij!")],
    ["a weak tag", reply("bytes 4-9/10", 'W/"a"', "456789")],
    ["another length", reply("bytes 4-9/11", '"a"', "456789")],
    ["a gap", reply("bytes 5-9/10", '"a"', "56789")],
    ["an overlap", reply("bytes 3-9/10", '"a"', "3456789")],
    ["not all", reply("bytes 4-8/10", '"a"', "45678")],
    ["fewer bytes than named", reply("bytes 4-9/10", '"a"', "456")],
    ["more bytes than named", reply("bytes 4-9/10", '"a"', "456789!")],
    ["no range", reply("nonsense", '"a"', "456789")],
    ["nothing left", reply("bytes */4", '"a"', "", 416)],
    ["a failure", reply("nonsense", '"a"', "down", 503)],
  ]) {
    const path = await partStored(serves(BODY, '"a"'));
    paths.at(path, rest);
    const whole = await paths.get(path);
    assert.deepEqual([whole.status, whole.text], [200, "whole"], name);
    await settle();
    assert.deepEqual([(await paths.get(path)).text], ["whole"], name);
  }
});

test("without a strong tag nothing is joined", async () => {
  for (const etag of ['W/"a"', null]) {
    const path = await partStored(serves(BODY, etag));
    paths.at(path, serves("abcdefghij", etag));
    const whole = await paths.get(path);
    assert.deepEqual([whole.status, whole.text], [200, "abcdefghij"], String(etag));
    await settle();
    assert.equal((await paths.get(path)).text, "abcdefghij");
  }
});

test("a part whose bytes are not those that it names is not stored", async () => {
  for (const [range, body] of [
    ["bytes 0-3/10", "012"],
    ["bytes 0-3/*", "0123"],
    ["bytes */10", "0123"],
    ["nonsense", "0123"],
  ]) {
    // Chunked, so that no length vouches for it.
    const path = paths.add((_request, response) => {
      response.writeHead(206, { ...FRESH, etag: '"a"', "content-range": range });
      response.write(body.slice(0, 1));
      response.end(body.slice(1));
    });
    for (let n = 0; n < 2; n += 1) {
      const answer = await paths.get(path, { range: "bytes=0-3" });
      assert.deepEqual([answer.status, answer.text, answer.xCache], [206, body, "MISS"], range);
      await settle();
    }
  }
});

test("a 206 that nobody asked for passes and is not stored", async () => {
  const path = paths.add(206, { ...FRESH, "content-range": "bytes 0-3/10", etag: '"a"' }, "0123");
  for (let n = 0; n < 2; n += 1) {
    const answer = await paths.get(path);
    assert.deepEqual([answer.status, answer.text, answer.xCache], [206, "0123", "MISS"]);
    assert.match(answer.cacheStatus, /detail=status$/);
  }
});

test("purges remove parts too", async () => {
  for (const [name, drop] of [
    ["the path's tag", (path) => world.admin("purge", { body: { tags: [`path:${path}`] } })],
    ["the type", () => world.admin("purge", { body: { tags: ["typed"] } })],
    [
      "the resource",
      (path) => world.admin("purge", { body: { tags: [`Product:${path.split("/").at(-1)}`] } }),
    ],
    ["the origin's tag", () => world.admin("purge", { body: { tags: ["origins"] } })],
    ["softly", (path) => world.admin("purge", { body: { tags: [`path:${path}`], soft: true } })],
    ["all", () => world.admin("purge", { body: { all: true } })],
    ["a write", (path) => paths.send("DELETE", path)],
  ]) {
    const path = `/typed/${name.replaceAll(/\W/g, "")}`;
    const tagged = { ...FRESH, "cache-tag": "origins" };
    await partStored(serves(BODY, '"a"', tagged), "0-3", path);
    assert.equal((await paths.get(path, { range: "bytes=1-2" })).xCache, "HIT");
    paths.at(path, serves("abcdefghij", '"a"', tagged));
    await drop(path);
    const again = await paths.get(path, { range: "bytes=1-2" });
    assert.deepEqual([again.xCache, again.text], ["MISS", "bc"], name);
    // Neither is its beginning joined to the rest of what came after.
    const other = `${path}2`;
    await partStored(serves(BODY, '"a"', tagged), "0-3", other);
    paths.at(other, serves("abcdefghij", '"a"', tagged));
    await drop(other);
    assert.equal((await paths.get(other)).text, "abcdefghij", name);
  }
});

test("a part that is purged while its rest is asked for does not come back", async () => {
  const path = await partStored(serves(BODY, '"a"'));
  const gate = held();
  const old = serves(BODY, '"a"');
  paths.at(path, async (request, response) => {
    await gate.promise;
    return old(request, response);
  });
  const asking = paths.get(path);
  await world.until(() => paths.asked(path).length === 2, "the rest is asked for");
  await world.admin("purge", { body: { tags: [`path:${path}`] } });
  gate.release();
  await asking;
  paths.at(path, serves("abcdefghij", '"a"'));
  assert.equal((await paths.get(path)).text, "abcdefghij");
});

test("a whole that was completed goes with the tags that its beginning had", async () => {
  const path = await partStored(serves(BODY, '"a"', { ...FRESH, "cache-tag": "begun" }, FRESH));
  assert.equal((await paths.get(path)).text, BODY);
  assert.deepEqual(asks(path)[1], ["bytes=4-", '"a"']);
  await settle();
  assert.equal((await paths.get(path)).xCache, "HIT");
  paths.at(path, 200, FRESH, "new");
  await world.admin("purge", { body: { tags: ["begun"] } });
  assert.equal((await paths.get(path)).text, "new");
});
