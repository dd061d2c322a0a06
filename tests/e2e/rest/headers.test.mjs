// Fields that are malformed, repeated or at odds with each other: the client gets what the origin
// said, and nothing is stored that the standard forbids.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Paths, RawOrigin } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({ config: { purge: { max_lag: 1 } } });
const paths = new Paths(world);
const raw = await new RawOrigin().listen();
after(() => raw.close());
const rawWorld = await startWorld({ originUrl: raw.url });

const FRESH = { "cache-control": "max-age=600" };
const date = (seconds) => new Date(Date.now() + seconds * 1_000).toUTCString();
const DAY = 86_400;

/** The results for a response with these headers. Each body has to be the origin's. */
async function second(headers, asks = {}) {
  const path = paths.add(200, headers, "body");
  const answers = [];
  for (let n = 0; n < 2; n += 1) {
    const answer = await paths.get(path, asks);
    const what = JSON.stringify([headers, asks]);
    assert.equal(answer.status, 200, what);
    assert.equal(answer.text, "body", what);
    answers.push(answer);
    await world.admin("health");
  }
  return answers[1].xCache;
}

// A HIT is expected of responses that may be stored and are fresh, a MISS of all others.
for (const [name, rows] of Object.entries({
  "Cache-Control": [
    [{ "cache-control": "MAX-AGE=600" }, "HIT"],
    [{ "cache-control": 'max-age="600"' }, "HIT"],
    [{ "cache-control": " , ,max-age=600,," }, "HIT"],
    [{ "cache-control": "max-age=99999999999999999999999" }, "HIT"],
    [{ "cache-control": "max-age=600, unknown, other=1" }, "HIT"],
    [{ "cache-control": 'ext="no-store, private", max-age=600' }, "HIT"],
    [{ "cache-control": ["max-age=600", "public"] }, "HIT"],
    [{ "cache-control": "max-age=600;no-store" }, "MISS"],
    [{ "cache-control": "max-age" }, "MISS"],
    [{ "cache-control": "max-age=" }, "MISS"],
    [{ "cache-control": "max-age=-1" }, "MISS"],
    [{ "cache-control": "max-age=6.5" }, "MISS"],
    [{ "cache-control": "max-age=0x600" }, "MISS"],
    [{ "cache-control": "max-age=+600" }, "MISS"],
    [{ "cache-control": "max-age='600'" }, "MISS"],
    [{ "cache-control": "max-age 600" }, "MISS"],
    [{ "cache-control": "max-age=600, max-age=0" }, "MISS"],
    [{ "cache-control": ["max-age=600", "max-age=0"] }, "MISS"],
    [{ "cache-control": ["max-age=600", "no-store"] }, "MISS"],
    [{ "cache-control": "max-age=600, s-maxage=0" }, "MISS"],
    [{ "cache-control": "max-age=600, No-Store" }, "MISS"],
    [{ "cache-control": "max-age=600, no-store=foo" }, "MISS"],
    [{ "cache-control": "max-age=600, no-store , public" }, "MISS"],
    [{ "cache-control": 'max-age=600, private="x"' }, "MISS"],
    [{ "cache-control": "max-age=600, no-cache" }, "MISS"],
    [{ "cache-control": 'max-age=600, ext="unended, no-store' }, null],
    [{ "cache-control": "" }, "MISS"],
  ],
  "Age and Date": [
    [{ ...FRESH, age: "0" }, "HIT"],
    [{ ...FRESH, age: "nonsense" }, "HIT"],
    [{ ...FRESH, age: "-5" }, "HIT"],
    [{ ...FRESH, age: "5, 700" }, "HIT"],
    [{ ...FRESH, age: "700" }, "MISS"],
    [{ ...FRESH, age: "99999999999999999999" }, "MISS"],
    [{ ...FRESH, age: ["700", "0"] }, "MISS"],
    [{ ...FRESH, date: date(DAY) }, "HIT"],
    [{ ...FRESH, date: "Thu, 01 Jan 2400 00:00:00 GMT" }, "HIT"],
    [{ ...FRESH, date: "nonsense" }, "HIT"],
    [{ ...FRESH, date: date(-DAY) }, "MISS"],
    [{ ...FRESH, date: "Thu, 01 Jan 1970 00:00:00 GMT" }, "MISS"],
  ],
  Expires: [
    [{ expires: date(DAY) }, "HIT"],
    [{ expires: "Fri, 01 Jan 2400 00:00:00 GMT" }, "HIT"],
    [{ expires: date(-DAY) }, "MISS"],
    [{ expires: "0" }, "MISS"],
    [{ expires: "-1" }, "MISS"],
    [{ expires: "nonsense" }, "MISS"],
    [{ expires: "" }, "MISS"],
    [{ expires: "Fri, 99 Foo 2400 00:00:00 GMT" }, "MISS"],
    [{ expires: date(DAY), date: date(2 * DAY) }, "MISS"],
    [{ expires: [date(DAY), date(DAY)] }, "MISS"],
    [{ expires: "0", ...FRESH }, "HIT"],
    [{ expires: date(DAY), "cache-control": "max-age=0" }, "MISS"],
    [{ expires: date(DAY), "cache-control": "no-store" }, "MISS"],
  ],
  "ETag and Last-Modified": [
    [{ ...FRESH, etag: "" }, "HIT"],
    [{ ...FRESH, etag: '"' }, "HIT"],
    [{ ...FRESH, etag: "bare" }, "HIT"],
    [{ ...FRESH, etag: '"a", "b"' }, "HIT"],
    [{ ...FRESH, etag: ['"a"', '"b"'] }, "HIT"],
    [{ ...FRESH, etag: "w/weak" }, "HIT"],
    [{ ...FRESH, etag: `"${"x".repeat(5_000)}"` }, "HIT"],
    [{ ...FRESH, "last-modified": "nonsense" }, "HIT"],
    [{ ...FRESH, "last-modified": date(DAY) }, "HIT"],
    [{ "last-modified": date(-DAY) }, "MISS"],
    [{ etag: '"a"' }, "MISS"],
  ],
  "Vary and what else forbids": [
    [{ ...FRESH, vary: "" }, "HIT"],
    [{ ...FRESH, vary: ",,Accept-Encoding, ," }, "HIT"],
    [{ ...FRESH, vary: "not a name" }, null],
    [{ ...FRESH, vary: "*" }, "MISS"],
    [{ ...FRESH, vary: "Accept, *" }, "MISS"],
    [{ ...FRESH, vary: ["Accept", "*"] }, "MISS"],
    [{ ...FRESH, vary: "cookie" }, "MISS"],
    [{ ...FRESH, "set-cookie": "a=1" }, "MISS"],
    [{ ...FRESH, "content-type": "text/event-stream" }, "MISS"],
    [{ ...FRESH, "content-type": "multipart/byteranges; boundary=x" }, "MISS"],
    [{ ...FRESH, "content-range": "bytes 0-3/4" }, null],
    [{ ...FRESH, pragma: "no-cache" }, "HIT"],
    [{ pragma: "public" }, "MISS"],
  ],
})) {
  test(`an answer's ${name}`, async () => {
    for (const [headers, expected] of rows) {
      const xCache = await second(headers);
      if (expected !== null)
        assert.equal(xCache === "HIT" ? "HIT" : "MISS", expected, JSON.stringify(headers));
    }
  });
}

test("a request's own fields", async () => {
  for (const [asks, expected] of [
    [{ "cache-control": "max-age=nonsense" }, null],
    [{ "cache-control": "max-age=-1" }, null],
    [{ "cache-control": "max-stale=nonsense" }, "HIT"],
    [{ "cache-control": "unknown" }, "HIT"],
    [{ "cache-control": "" }, "HIT"],
    [{ "cache-control": ",,," }, "HIT"],
    [{ "cache-control": "no-cache" }, "MISS"],
    [{ "cache-control": "x, NO-CACHE=1" }, "MISS"],
    [{ "cache-control": "no-store" }, "MISS"],
    [{ pragma: "x, No-Cache" }, "MISS"],
    [{ pragma: "no-cache", "cache-control": "max-age=600" }, "HIT"],
    [{ "if-none-match": "nonsense" }, "HIT"],
    [{ "if-none-match": '"' }, "HIT"],
    [{ "if-none-match": "" }, "HIT"],
    [{ "if-none-match": '"x", W/"y' }, "HIT"],
    [{ "if-modified-since": "nonsense" }, "HIT"],
    [{ "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT" }, "HIT"],
    [{ range: "nonsense" }, "HIT"],
    [{ range: "bytes=" }, "HIT"],
    [{ range: "bytes=5-1" }, "HIT"],
    [{ range: "bytes=99999999999999999999-" }, null],
    [{ range: "bytes=0-1", "if-range": "nonsense" }, "HIT"],
    [{ range: "bytes=0-1", "if-range": '"other"' }, "HIT"],
    [{ "if-range": '"a"' }, "HIT"],
    [{ "if-match": '"x"' }, "MISS"],
    [{ "if-unmodified-since": "nonsense" }, "MISS"],
  ]) {
    const xCache = await second({ ...FRESH, etag: '"a"', "last-modified": date(-DAY) }, asks);
    if (expected !== null) assert.equal(xCache === "HIT" ? "HIT" : "MISS", expected, JSON.stringify(asks));
  }
});

test("clocks in the future neither lengthen a life nor make what is stale fresh", async () => {
  for (const headers of [
    { date: date(DAY), "cache-control": "max-age=600", age: "700" },
    { date: date(DAY), expires: date(DAY - 100) },
    { date: date(DAY), "last-modified": date(2 * DAY), expires: date(DAY) },
  ]) {
    assert.notEqual(await second(headers), "HIT", JSON.stringify(headers));
  }
  const path = paths.add(200, { date: date(DAY), ...FRESH }, "body");
  await paths.get(path);
  await world.admin("health");
  const hit = await paths.get(path);
  assert.match(hit.cacheStatus, /hit; ttl=(600|59\d)/);
  assert.ok(Number(hit.headers.age) < 10);
});

/** An answer as bytes; the connection closes after it. */
const said = (headers, body = "", status = "200 OK") =>
  `HTTP/1.1 ${status}\r\nCache-Control: max-age=600\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n${body}`;
const getRaw = (path, headers) => paths.get.call({ world: rawWorld }, path, headers);

test("a length that lies stores nothing that the message does not have", async () => {
  let n = 0;
  for (const [name, answer, expected] of [
    ["too long", said(["Content-Length: 10"], "body"), null],
    ["too short", said(["Content-Length: 2"], "body"), "bo"],
    ["none", said(["Connection: close"], "body"), "body"],
    ["chunks without an end", said(["Transfer-Encoding: chunked"], "4\r\nbody\r\n"), null],
    ["chunks cut off", said(["Transfer-Encoding: chunked"], "9\r\nbody"), null],
    ["nonsense for a chunk", said(["Transfer-Encoding: chunked"], "4\r\nbody\r\nzz\r\n"), null],
    ["gzip that is none", said(["Content-Encoding: gzip", "Content-Length: 4"], "body"), null],
  ]) {
    n += 1;
    const path = raw.at(`/lies/${n}`, answer);
    const first = await getRaw(path).catch(() => ({ broken: true }));
    if (expected === null) assert.ok(first.broken || first.status >= 400, name);
    else assert.equal(first.text, expected, name);
    await rawWorld.admin("health");
    raw.at(path, said(["Content-Length: 5"], "whole"));
    const then = await getRaw(path);
    if (expected === null) assert.deepEqual([then.xCache, then.text], ["MISS", "whole"], name);
    else assert.equal(then.text, then.xCache === "HIT" ? expected : "whole", name);
  }
});

test("a head that nobody can read is no answer, and is not stored", async () => {
  let n = 0;
  for (const head of [
    "nonsense\r\n\r\n",
    "HTTP/1.1 abc OK\r\n\r\n",
    said(["Content-Length: 4", "Content-Length: 5"], "body!"),
    said(["Content-Length: four"], "body"),
    said(["Content-Length: -4"], "body"),
    said(["no colon"], "body"),
    "",
  ]) {
    n += 1;
    const path = raw.at(`/heads/${n}`, head);
    const first = await getRaw(path).catch(() => ({ status: 502, broken: true }));
    assert.ok(first.status === 502 || first.broken || first.text === "body", JSON.stringify(head));
    await rawWorld.admin("health");
    raw.at(path, said(["Content-Length: 5"], "whole"));
    const then = await getRaw(path);
    assert.equal(then.text, "whole", JSON.stringify(head));
  }
});

test("an informational answer before it changes nothing", async () => {
  const path = raw.at(
    "/early",
    `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${said(["Content-Length: 4"], "body")}`,
  );
  const first = await getRaw(path).catch(() => ({ status: 502 }));
  if (first.status === 200) assert.equal(first.text, "body");
});
