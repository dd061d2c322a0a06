// Parts of answers (RFC 9110 §14, RFC 9111 §3.3 and §3.4).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({ config: { purge: { max_lag: 1 } } });
const paths = new Paths(world);

const BODY = "0123456789";
const FRESH = { "cache-control": "max-age=600", "content-type": "text/plain" };
const MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT";
const part = (range, headers = {}) => ({ range: `bytes=${range}`, ...headers });

/** An origin with one response, which supports ranges. */
function serves(body, headers = {}) {
  const all = { ...FRESH, etag: '"a"', ...headers };
  return (request, response) => {
    const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const condition = request.headers["if-range"] ?? all.etag;
    if (first === undefined || condition !== all.etag) return response.writeHead(200, all).end(body);
    const start = first === "" ? body.length - Number(last) : Number(first);
    const end = first === "" || last === "" ? body.length - 1 : Math.min(Number(last), body.length - 1);
    if (start >= body.length) {
      return response.writeHead(416, { ...all, "content-range": `bytes */${body.length}` }).end();
    }
    const range = { "content-range": `bytes ${start}-${end}/${body.length}` };
    return response.writeHead(206, { ...all, ...range }).end(body.slice(start, end + 1));
  };
}

/** Repeats the request until the copy that is stored in the background is there. */
const settle = () => world.admin("health");
const ranges = (path) => paths.asked(path).map(({ headers }) => headers.range);

async function wholeStored(...answer) {
  const path = paths.add(...answer);
  assert.equal((await paths.get(path)).xCache, "MISS");
  await settle();
  return path;
}

async function partStored(range, answer = serves(BODY)) {
  const path = paths.add(answer);
  const first = await paths.get(path, part(range));
  assert.deepEqual(
    [first.status, first.cacheStatus],
    [206, "evergraph; fwd=miss; fwd-status=206; stored; detail=range"],
  );
  await settle();
  return path;
}

test("parts are cut from a stored whole", async () => {
  const path = await wholeStored(200, { ...FRESH, etag: '"a"' }, BODY);
  for (const [range, text, named] of [
    ["0-0", "0", "0-0"],
    ["2-4", "234", "2-4"],
    ["7-", "789", "7-9"],
    ["-3", "789", "7-9"],
    ["-99", BODY, "0-9"],
    ["8-99", "89", "8-9"],
  ]) {
    const answer = await paths.get(path, part(range));
    assert.deepEqual(
      [answer.status, answer.text, answer.headers["content-range"], answer.xCache],
      [206, text, `bytes ${named}/10`, "HIT"],
      range,
    );
    assert.equal(Number(answer.headers["content-length"] ?? text.length), text.length);
  }
  for (const range of ["10-", "99-100", "-0"]) {
    const answer = await paths.get(path, part(range));
    assert.deepEqual(
      [answer.status, answer.text, answer.headers["content-range"]],
      [416, "", "bytes */10"],
      range,
    );
  }
  assert.equal(paths.asked(path).length, 1);
});

test("several ranges, other units and what is no range get the whole", async () => {
  const path = await wholeStored(200, FRESH, BODY);
  for (const range of [
    "bytes=0-1,3-4",
    "items=0-1",
    "bytes=4-2",
    "bytes",
    "bytes=a-b",
    "",
    "bytes=0-1, 5-",
  ]) {
    const answer = await paths.get(path, { range });
    assert.deepEqual(
      [answer.status, answer.text, answer.headers["content-range"]],
      [200, BODY, undefined],
      range,
    );
  }
});

test("HEAD knows no parts", async () => {
  const path = await wholeStored(200, FRESH, BODY);
  const head = await paths.send("HEAD", path, { headers: part("0-1") });
  assert.deepEqual([head.status, head.text, head.xCache], [200, "", "HIT"]);
  assert.equal(head.headers["content-range"], undefined);
  assert.ok([undefined, "10"].includes(head.headers["content-length"]));
});

test("several ranges of what is not stored are the origin's to answer, and are not stored", async () => {
  const body = "--x\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--x--";
  const path = paths.add((request, response) =>
    request.headers.range === undefined
      ? response.writeHead(200, FRESH).end(BODY)
      : response.writeHead(206, { ...FRESH, "content-type": "multipart/byteranges; boundary=x" }).end(body),
  );
  for (let n = 0; n < 2; n += 1) {
    const answer = await paths.get(path, { range: "bytes=0-1,3-4" });
    assert.deepEqual([answer.status, answer.text, answer.xCache], [206, body, "MISS"]);
    await settle();
  }
  assert.equal((await paths.get(path)).text, BODY);
});

test("a stale whole is no reason to answer a range with it; the origin is asked for the part", async () => {
  const path = paths.add(serves(BODY, { age: "700" }));
  await paths.get(path);
  await settle();
  paths.at(path, serves("abcdefghij"));
  const answer = await paths.get(path, part("2-4"));
  assert.deepEqual([answer.status, answer.text], [206, "cde"]);
});

test("variants have parts of their own", async () => {
  const path = paths.add((request, response) => {
    const body = (request.headers["x-lang"] ?? "-").repeat(10);
    return serves(body, { vary: "X-Lang", etag: `"${body[0]}"` })(request, response);
  });
  for (let n = 0; n < 2; n += 1) {
    for (const lang of ["a", "b"]) {
      const cut = await paths.get(path, part("0-2", { "x-lang": lang }));
      assert.deepEqual([cut.status, cut.text], [206, lang.repeat(3)]);
      await settle();
      const whole = await paths.get(path, { "x-lang": lang });
      assert.deepEqual([whole.status, whole.text], [200, lang.repeat(10)]);
      await settle();
    }
  }
  for (const lang of ["a", "b"]) {
    const cut = await paths.get(path, part("4-5", { "x-lang": lang }));
    assert.deepEqual([cut.text, cut.xCache], [lang.repeat(2), "HIT"]);
  }
});

test("If-Range: a part of the same answer, the whole of another", async () => {
  const path = await wholeStored(200, { ...FRESH, etag: '"a"', "last-modified": MODIFIED }, BODY);
  for (const [condition, status] of [
    ['"a"', 206],
    [MODIFIED, 206],
    ['"b"', 200],
    ['W/"a"', 200],
    ["Mon, 07 Nov 1994 08:49:37 GMT", 200],
    ["nonsense", 200],
  ]) {
    const answer = await paths.get(path, part("2-3", { "if-range": condition }));
    assert.deepEqual([answer.status, answer.text], [status, status === 206 ? "23" : BODY], condition);
    assert.equal(answer.xCache, "HIT");
  }
  const weak = await wholeStored(200, { ...FRESH, etag: 'W/"a"' }, BODY);
  assert.equal((await paths.get(weak, part("2-3", { "if-range": 'W/"a"' }))).status, 200);
});

test("If-None-Match goes before the range", async () => {
  const path = await wholeStored(200, { ...FRESH, etag: '"a"' }, BODY);
  assert.equal((await paths.get(path, part("2-3", { "if-none-match": '"a"' }))).status, 304);
  assert.equal((await paths.get(path, part("2-3", { "if-none-match": '"b"' }))).status, 206);
});

test("only a 200 is cut", async () => {
  const path = await wholeStored(404, FRESH, BODY);
  const answer = await paths.get(path, part("2-3"));
  assert.deepEqual([answer.status, answer.text, answer.xCache], [404, BODY, "HIT"]);
});

test("a range is passed to the origin, and the part is used again for what lies in it", async () => {
  const path = await partStored("2-7");
  assert.deepEqual(ranges(path), ["bytes=2-7"]);
  for (const [range, text] of [
    ["2-7", "234567"],
    ["3-4", "34"],
    ["7-7", "7"],
  ]) {
    const answer = await paths.get(path, part(range));
    assert.deepEqual(
      [answer.status, answer.text, answer.xCache, answer.headers["content-range"]],
      [206, text, "HIT", `bytes ${range}/10`],
    );
  }
  assert.equal(paths.asked(path).length, 1);
  for (const [range, text] of [
    ["1-3", "123"],
    ["6-8", "678"],
    ["-1", "9"],
  ]) {
    const answer = await paths.get(path, part(range));
    assert.deepEqual([answer.text, answer.xCache], [text, "MISS"], range);
    await settle();
  }
});

test("a part never answers for the whole", async () => {
  for (const range of ["0-4", "2-7", "5-", "-2", "0-9", "0-"]) {
    const path = await partStored(range);
    const whole = await paths.get(path);
    assert.deepEqual([whole.status, whole.text, whole.xCache], [200, BODY, "MISS"], range);
    assert.equal(whole.headers["content-range"], undefined);
    await settle();
    const hit = await paths.get(path);
    assert.deepEqual([hit.status, hit.text, hit.xCache], [200, BODY, "HIT"], range);
  }
  const path = await partStored("0-4");
  const head = await paths.send("HEAD", path);
  assert.deepEqual([head.status, head.headers["content-range"]], [200, undefined]);
  const several = await paths.get(path, { range: "bytes=0-1,2-3" });
  assert.deepEqual([several.status, several.text], [200, BODY]);
});

test("an origin that does not know parts answers with the whole, which is stored", async () => {
  const path = paths.add(200, FRESH, BODY);
  const first = await paths.get(path, part("2-3"));
  assert.deepEqual([first.status, first.text], [200, BODY]);
  await settle();
  const then = await paths.get(path, part("2-3"));
  assert.deepEqual([then.status, then.text, then.xCache], [206, "23", "HIT"]);
  assert.equal((await paths.get(path)).xCache, "HIT");
});

test("what an origin says of a range alone is not stored for the whole", async () => {
  for (const [status, range] of [
    [416, "bytes=99-"],
    [400, "nonsense"],
    [403, "bytes=0-1"],
    [404, "bytes=0-1"],
    [500, "bytes=0-1"],
  ]) {
    const path = paths.add((request, response) => {
      if (request.headers.range === undefined) response.writeHead(200, FRESH).end(BODY);
      else response.writeHead(status, { ...FRESH, "content-range": "bytes */10" }).end("no");
    });
    const refused = await paths.get(path, { range });
    assert.deepEqual([refused.status, refused.text], [status, "no"]);
    assert.match(refused.cacheStatus, /detail=status$/);
    await settle();
    assert.equal((await paths.get(path)).text, BODY, `after ${status}`);
  }
});
