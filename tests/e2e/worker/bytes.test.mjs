// The bytes that arrive: bodies are in the coding that their headers name, and header values are what
// was sent, also those that are not UTF-8. Both ends are raw sockets, for `fetch` decodes.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from "node:zlib";
import { RawOrigin, say } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const origin = await new RawOrigin().listen();
after(() => origin.close());

const world = await startWorld({
  originUrl: origin.url,
  places: 2,
  config: {
    bypass: ["/health/**"],
    types: {
      product: { match: ["rest:/api/**"], ttl: 60, sie: 600 },
      item: { match: ["graphql:Query.item"], ttl: 60 },
    },
  },
});

const text = JSON.stringify({
  data: { item: { __typename: "Item", id: "1", text: "compress me ".repeat(50) } },
});

/** Asks with bytes as they are; the answer's head as text, its fields, and its body as bytes. */
async function ask(path, { method = "GET", headers = "", body = "", place = 0, at = world } = {}) {
  const length = body === "" ? "" : `Content-Length: ${Buffer.byteLength(body, "latin1")}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n${length}${headers}\r\n`;
  const came = await say(at.url("/", place), head + body);
  const end = came.indexOf("\r\n\r\n");
  const fields = new Map();
  for (const line of came.slice(0, end).split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  let bytes = came.slice(end + 4);
  if (fields.get("transfer-encoding")?.[0] === "chunked") bytes = unchunked(bytes);
  return {
    status: Number(came.split(" ")[1]),
    get: (name) => fields.get(name)?.join(", "),
    all: (name) => fields.get(name) ?? [],
    xCache: fields.get("x-cache")?.[0],
    detail: /detail=([\w-]+)/.exec(fields.get("cache-status")?.at(-1) ?? "")?.[1],
    bytes: Buffer.from(bytes, "latin1"),
  };
}

function unchunked(chunked) {
  let [rest, whole] = [chunked, ""];
  for (;;) {
    const end = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return whole;
    whole += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 4 + size);
  }
}

/** What an answer's body is once every coding that its headers name is undone. */
function decoded({ get, bytes }) {
  const undo = { gzip: gunzipSync, "x-gzip": gunzipSync, br: brotliDecompressSync, deflate: inflateSync };
  const codings = (get("content-encoding") ?? "")
    .toLowerCase()
    .split(",")
    .map((one) => one.trim());
  return codings
    .reverse()
    .filter((coding) => coding !== "" && coding !== "identity")
    .reduce((body, coding) => undo[coding](body), bytes)
    .toString();
}

const answer = (status, fields, body) =>
  `HTTP/1.1 ${status} X\r\n${fields}Content-Length: ${body.length}\r\n\r\n${Buffer.from(body).toString("latin1")}`;

const gzip = gzipSync(text);
/** Values of `Content-Encoding`, the body in that coding, and whether an entry has it without. */
const CODINGS = [
  ["gzip", gzip, true],
  ["br", brotliCompressSync(text), true],
  ["identity", Buffer.from(text), true],
  ["GZIP", gzip, true],
  ["Gzip", gzip, true],
  ["x-gzip", gzip, true],
  ["X-GZip", gzip, true],
  ["gzip, identity", gzip, true],
  ["identity, gzip", gzip, true],
  ["gzip\r\nContent-Encoding: identity", gzip, true],
  ["gzip,", gzip, true],
  [", gzip", gzip, true],
  ["\tgzip ", gzip, true],
  ["", Buffer.from(text), true],
  ["BR", brotliCompressSync(text), false],
  ["br, gzip", gzipSync(brotliCompressSync(text)), false],
  ["gzip, br", brotliCompressSync(gzip), false],
  ["gzip, gzip", gzipSync(gzip), false],
  ["gzip\r\nContent-Encoding: gzip", gzipSync(gzip), false],
  ["deflate", deflateSync(text), false],
];
const CLIENTS = ["", "Accept-Encoding: gzip\r\n", "Accept-Encoding: identity\r\n", "Accept-Encoding: br\r\n"];

test("misses and hits are in the coding that they name, whatever the origin calls it", async () => {
  for (const [number, [coding, body, isUndone]] of CODINGS.entries()) {
    const said = answer(200, `Content-Type: application/json\r\nContent-Encoding: ${coding}\r\n`, body);
    for (const [client, headers] of CLIENTS.entries()) {
      const path = origin.at(`/api/${number}/${client}`, said);
      const miss = await ask(path, { headers });
      assert.deepEqual([miss.xCache, decoded(miss)], ["MISS", text], `${coding}, ${headers}`);
      for (const other of CLIENTS) {
        const hit = await ask(path, { headers: other });
        assert.deepEqual([hit.xCache, decoded(hit)], ["HIT", text], `${coding}, ${headers}, ${other}`);
        if (isUndone) assert.equal(hit.get("content-encoding"), undefined, coding);
      }
      // What Evergraph has asked for on its own account, no client gets that did not ask for it.
      if (isUndone && !headers.includes("gzip") && !headers.includes("br"))
        assert.ok([undefined, "identity"].includes(miss.get("content-encoding")), `${coding}, ${headers}`);
    }
  }
});

test("a length beside chunks counts for nothing", async () => {
  for (const [number, length] of [5, 10, 70_000].entries()) {
    const body = "0123456789".repeat(length < 100 ? 1 : 8_000);
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const fields = `Content-Type: text/plain\r\nContent-Length: ${length}\r\nTransfer-Encoding: chunked\r\n`;
    const path = origin.at(`/api/chunked/${number}`, `HTTP/1.1 200 OK\r\n${fields}\r\n${chunked}`);
    for (const xCache of ["MISS", "HIT"]) {
      const got = await ask(path, { headers: "" });
      assert.deepEqual([got.xCache, got.bytes.toString("latin1")], [xCache, body]);
    }
  }
});

test("the same from the edge cache and from KV", async () => {
  const stored = () => world.kv.entries.size;
  for (const [number, [coding, body]] of CODINGS.entries()) {
    const said = answer(200, `Content-Type: text/plain\r\nContent-Encoding: ${coding}\r\n`, body);
    const path = origin.at(`/api/tiers/${number}`, said);
    const before = stored();
    assert.equal((await ask(path)).xCache, "MISS");
    await world.until(() => stored() > before, "it is in KV");
    const hit = await ask(path, { place: 1 });
    assert.deepEqual([hit.xCache, hit.detail, decoded(hit)], ["HIT", "kv", text], coding);
  }
});

test("GraphQL answers, errors and what is passed through too", async () => {
  for (const [number, [coding, body, isUndone]] of CODINGS.entries()) {
    const fields = `Content-Type: application/json\r\nContent-Encoding: ${coding}\r\n`;
    origin.at("/graphql", answer(200, fields, body));
    for (const headers of CLIENTS) {
      const query = `{"query":"query Q${number}${headers.length} { item { __typename id text } }"}`;
      const init = { method: "POST", body: query, headers: `Content-Type: application/json\r\n${headers}` };
      const [miss, hit] = [await ask("/graphql", init), await ask("/graphql", init)];
      assert.deepEqual([miss.xCache, decoded(miss)], ["MISS", text], `${coding}, ${headers}`);
      assert.deepEqual(
        [hit.xCache, decoded(hit)],
        [isUndone ? "HIT" : "MISS", text],
        `${coding}, ${headers}`,
      );
      if (!isUndone) assert.equal(hit.detail, "content-encoding");
    }
    const path = origin.at(`/health/${number}`, answer(200, fields, body));
    const write = { method: "PUT", body: "{}" };
    origin.at(`/written/${number}`, answer(500, fields, body));
    for (const headers of CLIENTS) {
      const passed = await ask(path, { headers });
      assert.deepEqual([passed.xCache, decoded(passed)], ["BYPASS", text], `${coding}, ${headers}`);
      const written = await ask(`/written/${number}`, { ...write, headers });
      assert.deepEqual([written.status, decoded(written)], [500, text], `${coding}, ${headers}`);
    }
  }
});

test("heads, parts and answers without a body have nothing to undo", async () => {
  const coded = (status, fields = "") => answer(status, `Content-Encoding: GZIP\r\n${fields}`, gzip);
  const path = origin.at(
    "/api/head",
    `HTTP/1.1 200 X\r\nContent-Encoding: GZIP\r\nContent-Length: 7\r\n\r\n`,
  );
  const head = await ask(path, { method: "HEAD" });
  assert.deepEqual([head.status, head.bytes.length], [200, 0]);
  const part = origin.at("/api/part", coded(206, "Content-Range: bytes 0-9/900\r\n"));
  const answered = await ask(part, { headers: "Range: bytes=0-9\r\n" });
  assert.deepEqual(
    [answered.status, answered.detail, answered.get("content-encoding")],
    [206, "content-encoding", "GZIP"],
  );
  assert.ok(answered.bytes.equals(gzip));
  const empty = origin.at("/api/empty", "HTTP/1.1 204 X\r\nContent-Encoding: GZIP\r\n\r\n");
  assert.equal((await ask(empty)).status, 204);
});

test("gzip that breaks off breaks off for the client too, and is not stored", async () => {
  const said = answer(200, "Content-Type: text/plain\r\nContent-Encoding: GZIP\r\n", gzip.subarray(0, -12));
  const path = origin.at("/api/damaged", said);
  await ask(path).catch(() => {});
  origin.at(path, answer(200, "Content-Type: text/plain\r\n", Buffer.from("whole")));
  const next = await ask(path);
  assert.deepEqual([next.xCache, next.bytes.toString()], ["MISS", "whole"]);
});

/** Bytes of a header's value as latin1: e9 alone, ff, and é in UTF-8. */
const ODD = "caf\xe9 \xff\xc3\xa9";
const UTF_8 = "caf\xc3\xa9 \xe2\x82\xac";

const fieldsWith = (value) =>
  `ETag: "${value}"\r\nX-Name: ${value}\r\nX-Name: two ${value}\r\nContent-Disposition: attachment; filename="${value}"\r\n`;

function assertFields(got, value, what) {
  assert.equal(got.get("etag"), `"${value}"`, what);
  assert.equal(got.get("x-name"), `${value}, two ${value}`, what);
  assert.equal(got.get("content-disposition"), `attachment; filename="${value}"`, what);
}

test("header values in UTF-8 are the same on misses, hits and in every tier", async () => {
  const said = answer(200, `Content-Type: text/plain\r\n${fieldsWith(UTF_8)}`, Buffer.from("ok"));
  const path = origin.at("/api/utf-8", said);
  const before = world.kv.entries.size;
  const [miss, hit] = [await ask(path), await ask(path)];
  await world.until(() => world.kv.entries.size > before, "it is in KV");
  const elsewhere = await ask(path, { place: 1 });
  for (const [got, xCache] of [
    [miss, "MISS"],
    [hit, "HIT"],
    [elsewhere, "HIT"],
  ]) {
    assert.equal(got.xCache, xCache);
    assertFields(got, UTF_8, xCache);
  }
  const known = await ask(path, { headers: `If-None-Match: "${UTF_8}"\r\n` });
  assert.deepEqual([known.status, known.get("etag")], [304, `"${UTF_8}"`]);
});

/** Two isolates that share an edge cache, and have no KV. */
const edge = await startWorld({
  originUrl: origin.url,
  places: 2,
  oneEdge: true,
  kv: false,
  config: { types: { product: { match: ["rest:/api/**"], ttl: 60 } } },
});
const atEdge = (path, init) => ask(path, { ...init, at: edge });

const LAST_MODIFIED = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

test("header values that are not UTF-8 are the same on misses and hits, whatever is asked for", async () => {
  const fields = `Content-Type: text/plain\r\n${fieldsWith(ODD)}${LAST_MODIFIED}Cache-Status: shield; detail="${ODD}"\r\n`;
  const path = origin.at("/api/odd", answer(200, fields, Buffer.from("body of it")));
  const since = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  for (const [init, status, xCache, body] of [
    [{}, 200, "MISS", "body of it"],
    [{}, 200, "HIT", "body of it"],
    [{ method: "HEAD" }, 200, "HIT", ""],
    [{ headers: since }, 304, "HIT", ""],
    [{ headers: "Range: bytes=0-3\r\n" }, 206, "HIT", "body"],
    [{ headers: "Range: bytes=90-\r\n" }, 416, "HIT", ""],
  ]) {
    const got = await ask(path, init);
    assert.deepEqual([got.status, got.xCache, got.bytes.toString()], [status, xCache, body]);
    // A 416 is for one range alone, and has no entity tag of the whole.
    if (status !== 416) assertFields(got, ODD, `${status} ${xCache}`);
    assert.equal(got.all("x-name").join(", "), `${ODD}, two ${ODD}`);
    assert.ok(got.get("cache-status").startsWith(`shield; detail="${ODD}"`), got.get("cache-status"));
  }
  assert.equal(origin.asked(path), 1);
});

test("the same of what is not stored, with its cookies", async () => {
  const set = `Set-Cookie: a=${ODD}; Path=/\r\nSet-Cookie: b=\xe8\r\n`;
  const fields = `Content-Type: text/plain\r\n${fieldsWith(ODD)}`;
  origin.at("/api/odd-cookie", answer(200, fields + set, Buffer.from("ok")));
  origin.at("/health/odd", answer(200, fields + set, Buffer.from("ok")));
  origin.at("/written/odd", answer(200, fields + set, Buffer.from("ok")));
  origin.at("/api/head", answer(200, fields, Buffer.alloc(0)));
  for (const [path, init, xCache] of [
    ["/api/head", { method: "HEAD" }, "MISS"],
    ["/api/odd-cookie", {}, "MISS"],
    ["/api/odd-cookie", {}, "MISS"],
    ["/health/odd", {}, "BYPASS"],
    ["/written/odd", { method: "PUT", body: "{}" }, "BYPASS"],
  ]) {
    const got = await ask(path, init);
    assert.deepEqual([got.status, got.xCache], [200, xCache], path);
    assertFields(got, ODD, path);
    if (path !== "/api/head") assert.deepEqual(got.all("set-cookie"), [`a=${ODD}; Path=/`, "b=\xe8"], path);
  }
});

test("such an entry comes from the edge cache with its bytes, and is not kept in KV", async () => {
  const fields = `Content-Type: text/plain\r\n${fieldsWith(ODD)}`;
  const path = origin.at("/api/odd-edge", answer(200, fields, Buffer.from("ok")));
  const stored = () => edge.caches[0].entries.size;
  const before = stored();
  assert.equal((await atEdge(path)).xCache, "MISS");
  await edge.until(() => stored() > before, "it is in the edge cache");
  for (const [init, detail] of [
    [{ place: 1 }, "edge"],
    [{ place: 1 }, "memory"],
    [{ place: 1, method: "HEAD" }, "memory"],
  ]) {
    const got = await atEdge(path, init);
    assert.deepEqual([got.xCache, got.detail], ["HIT", detail]);
    assertFields(got, ODD, detail);
    // The header fields next to the value in the edge cache are those of the entry alone.
    assert.equal(got.get("cf-cache-status"), undefined);
    assert.equal(got.get("content-type"), "text/plain");
  }
  // Elsewhere it is asked for again.
  const kept = world.kv.writes;
  for (const xCache of ["MISS", "HIT", "HIT"]) assert.equal((await ask(path)).xCache, xCache);
  const control = origin.at(
    "/api/plain-edge",
    answer(200, "Content-Type: text/plain\r\n", Buffer.from("ok")),
  );
  for (const xCache of ["MISS", "HIT"]) assert.equal((await ask(control)).xCache, xCache);
  await world.until(() => world.kv.writes > kept, "the other is in KV");
  assert.equal(world.kv.writes, kept + 1);
  assert.equal((await ask(path, { place: 1 })).xCache, "MISS");
});

test("an edge cache that changes such bytes makes a miss", async () => {
  const fields = `Content-Type: text/plain\r\n${fieldsWith(ODD)}`;
  const path = origin.at("/api/odd-changed", answer(200, fields, Buffer.from("ok")));
  const { entries } = edge.caches[0];
  const known = new Set(entries.keys());
  assert.equal((await atEdge(path)).xCache, "MISS");
  await edge.until(() => entries.size > known.size, "it is in the edge cache");
  const [key] = [...entries.keys()].filter((one) => !known.has(one));
  const text = entries.get(key).toString("latin1");
  entries.set(key, Buffer.from(text.replace(/^x-name: .*\r\n/gim, ""), "latin1"));
  const got = await atEdge(path, { place: 1 });
  assert.equal(got.xCache, "MISS");
  assertFields(got, ODD, "asked for again");
});

test("what decides how an edge cache keeps a response is not beside the entry in it", async () => {
  const fields = "Content-Type: text/plain; x=\xe9\r\nX-Name: \xe9\r\n";
  const path = origin.at("/api/odd-type", answer(200, fields, Buffer.from("ok")));
  for (const [place, xCache] of [
    [0, "MISS"],
    [0, "HIT"],
    [1, "MISS"],
    [1, "HIT"],
  ]) {
    const got = await atEdge(path, { place });
    assert.deepEqual([got.xCache, got.get("content-type")], [xCache, "text/plain; x=\xe9"]);
  }
});

test("GraphQL answers with such headers keep them, though something is taken out of their bodies", async () => {
  const data = { item: { evergraph__typename: "Item", __typename: "Item", id: "1" } };
  const fields = `Content-Type: application/json\r\nX-Name: ${ODD}\r\n`;
  origin.at("/graphql", answer(200, fields, Buffer.from(JSON.stringify({ data }))));
  const query = '{"query":"query Odd { item { id } }"}';
  const posted = (body) =>
    ask("/graphql", { method: "POST", body, headers: "Content-Type: application/json\r\n" });
  for (const [body, xCache] of [
    [query, "MISS"],
    [query, "HIT"],
    [`[${query}]`, "HIT"],
  ]) {
    const got = await posted(body);
    assert.deepEqual([got.xCache, got.get("x-name")], [xCache, ODD], body);
  }
});

test("a validation brings such a header to an entry, or leaves it there", async () => {
  const fields = "Content-Type: text/plain\r\nCache-Control: max-age=0\r\n";
  const not = (more) => `HTTP/1.1 304 X\r\nETag: "v"\r\n${more}Cache-Control: max-age=60\r\n\r\n`;
  const path = origin.at("/plain/validated", answer(200, `${fields}ETag: "v"\r\n`, Buffer.from("ok")));
  assert.equal((await ask(path)).xCache, "MISS");
  // Its cookie is for one client, and forbids to store it.
  for (const [cookie, xCache] of [
    ["a=\xe8", "REVALIDATED"],
    [undefined, "REVALIDATED"],
    [undefined, "HIT"],
  ]) {
    origin.at(path, not(`X-Name: ${ODD}\r\n${cookie ? `Set-Cookie: ${cookie}\r\n` : ""}`));
    const got = await ask(path);
    assert.deepEqual([got.xCache, got.get("x-name"), got.get("set-cookie")], [xCache, ODD, cookie]);
    assert.equal(got.bytes.toString(), "ok");
  }
  const other = `${fields}X-Name: ${ODD}\r\nETag: "v"\r\n`;
  const left = origin.at("/plain/left", answer(200, other, Buffer.from("ok")));
  assert.equal((await ask(left)).xCache, "MISS");
  origin.at(left, not(""));
  for (const xCache of ["REVALIDATED", "HIT"]) {
    const got = await ask(left);
    assert.deepEqual([got.xCache, got.get("x-name"), got.bytes.toString()], [xCache, ODD, "ok"]);
  }
});

test("where the entry and its validation both have such headers, the whole is asked for", async () => {
  const fields = `Content-Type: text/plain\r\nCache-Control: max-age=0\r\nX-Name: ${ODD}\r\n`;
  const path = origin.at("/plain/both", answer(200, `${fields}ETag: "v"\r\n`, Buffer.from("ok")));
  assert.equal((await ask(path)).xCache, "MISS");
  origin.at(path, ({ text }) =>
    /if-none-match/i.test(text)
      ? `HTTP/1.1 304 X\r\nETag: "v"\r\nX-Other: \xe9\r\n\r\n`
      : answer(200, "Content-Type: text/plain\r\nX-Name: \xe8\r\nX-Other: \xe9\r\n", Buffer.from("new")),
  );
  const got = await ask(path);
  assert.deepEqual([got.bytes.toString(), got.get("x-name"), got.get("x-other")], ["new", "\xe8", "\xe9"]);
});

test("redirects, refusals, odd directives and stale answers keep such bytes from the cache", async () => {
  for (const [status, fields] of [
    [301, "Location: /caf\xe9\r\nCache-Control: max-age=60\r\n"],
    [404, "X-Name: \xe9\r\nCache-Control: max-age=60\r\n"],
    [200, 'X-Name: \xe9\r\nCache-Control: max-age=60, x="\xe9"\r\n'],
  ]) {
    const path = origin.at(`/plain/kept-${status}`, answer(status, fields, Buffer.from("ok")));
    for (const xCache of ["MISS", "HIT"]) {
      const got = await ask(path);
      assert.deepEqual([got.status, got.xCache], [status, xCache]);
      for (const line of fields.trim().split("\r\n")) {
        const [name, value] = line.split(/: (.*)/);
        assert.equal(got.get(name.toLowerCase()), value, `${status} ${xCache}`);
      }
    }
  }
  const stale = "X-Name: \xe9\r\nCache-Control: max-age=0, stale-if-error=600\r\n";
  const path = origin.at("/plain/stale", answer(200, `${stale}${LAST_MODIFIED}`, Buffer.from("ok")));
  assert.equal((await ask(path)).xCache, "MISS");
  origin.at(path, answer(500, "X-Name: \xe8\r\n", Buffer.from("broken")));
  const got = await ask(path);
  assert.deepEqual([got.status, got.xCache, got.get("x-name")], [200, "STALE", "\xe9"]);
});

test("parts of a file with such a name keep it, and are completed only where that keeps it", async () => {
  const name = 'attachment; filename="caf\xe9.bin"';
  const disposition = `Content-Disposition: ${name}\r\n`;
  const file = Buffer.from("0123456789");
  const parts =
    (named) =>
    ({ text }) => {
      const range = /^range: bytes=(\d+)-(\d*)/im.exec(text);
      const fields = 'Cache-Control: max-age=60\r\nETag: "f"\r\n';
      if (range === null) return answer(200, fields + disposition, file);
      const [first, last] = [Number(range[1]), range[2] === "" ? 9 : Number(range[2])];
      const own = named || first === 0 ? disposition : "";
      const said = `${fields}${own}Content-Range: bytes ${first}-${last}/10\r\n`;
      return answer(206, said, file.subarray(first, last + 1));
    };
  for (const named of [true, false]) {
    const path = origin.at(`/plain/file-${named}`, parts(named));
    for (const [range, status, body, xCache] of [
      ["Range: bytes=0-3\r\n", 206, "0123", "MISS"],
      ["Range: bytes=1-2\r\n", 206, "12", "HIT"],
      ["", 200, "0123456789", "MISS"],
      ["", 200, "0123456789", "HIT"],
    ]) {
      const got = await ask(path, { headers: range });
      const what = `${named} ${range}`;
      assert.deepEqual([got.status, got.bytes.toString(), got.xCache], [status, body, xCache], what);
      assert.equal(got.get("content-disposition"), name, what);
    }
  }
});

test("an entity tag that nobody can read is never taken for another", async () => {
  const fields = (etag) => `Content-Type: text/plain\r\nETag: "${etag}"\r\n`;
  const path = origin.at("/api/tagged", answer(200, fields("\xe9"), Buffer.from("one")));
  for (const xCache of ["MISS", "HIT"]) assert.equal((await ask(path)).xCache, xCache);
  // Its text is that of the stored one.
  origin.at(path, answer(200, fields("\xe8"), Buffer.from("two")));
  for (const headers of ['If-None-Match: "\xe8"\r\n', 'If-None-Match: "\ufffd"\r\n'])
    assert.equal((await ask(path, { headers: Buffer.from(headers).toString("latin1") })).status, 200);
  for (const value of ["\xe8", "\xef\xbf\xbd"]) {
    assert.equal((await ask(path, { headers: `If-None-Match: "${value}"\r\n` })).status, 200, value);
    const range = `Range: bytes=0-0\r\nIf-Range: "${value}"\r\n`;
    assert.equal((await ask(path, { headers: range })).status, 200, value);
  }
  const plain = origin.at(
    "/plain/tagged",
    answer(200, `${fields("\xe9")}Cache-Control: max-age=0\r\n`, Buffer.from("one")),
  );
  for (const expected of ["one", "two"]) {
    assert.equal((await ask(plain)).bytes.toString(), expected);
    assert.doesNotMatch(origin.requests.at(-1).text, /if-none-match/i);
    origin.at(plain, answer(200, `${fields("\xe8")}Cache-Control: max-age=0\r\n`, Buffer.from("two")));
  }
});

test("an answer whose tags or Vary nobody can read is not stored", async () => {
  for (const [number, field] of [
    "Cache-Tag: a, \xe9",
    "Surrogate-Key: \xe9",
    "xkey: \xe9",
    "Vary: \xe9",
  ].entries()) {
    const path = origin.at(
      `/api/unread/${number}`,
      answer(200, `X-Name: \xe9\r\n${field}\r\n`, Buffer.from("ok")),
    );
    for (let time = 0; time < 2; time += 1) {
      const got = await ask(path);
      assert.deepEqual([got.xCache, got.detail, got.get("x-name")], ["MISS", "header-bytes", "\xe9"], field);
    }
  }
});

test("redirects keep their bytes, and the origin's address is rewritten where it can be", async () => {
  for (const [location, expected] of [
    [`/${ODD}`, `/${ODD}`],
    [`/${UTF_8}`, `/${UTF_8}`],
    [`${origin.url}/${UTF_8}`, `http://shop.example/${UTF_8}`],
    [`${origin.url}/plain`, "http://shop.example/plain"],
  ]) {
    origin.at(
      "/api/moved",
      answer(302, `Location: ${location}\r\nCache-Control: no-store\r\n`, Buffer.alloc(0)),
    );
    assert.equal((await ask("/api/moved")).get("location"), expected);
  }
});

test("request headers reach the origin as they are, and are no part of any key", async () => {
  const sent = `Authorization: Bearer ${ODD}\r\nX-Name: ${ODD}\r\nCookie: sid=${ODD}\r\nReferer: http://x/\xe8\r\n`;
  const said = answer(200, "Content-Type: text/plain\r\n", Buffer.from("ok"));
  const seen = (path) => origin.requests.findLast(({ url }) => url === path).text;
  for (const [path, init] of [
    [origin.at("/api/sent", said), {}],
    [origin.at("/health/sent", said), {}],
    [origin.at("/written/sent", said), { method: "PUT", body: "{}" }],
  ]) {
    const got = await ask(path, { ...init, headers: `${sent}Evergraph-Purge: 1\r\n` });
    assert.equal(got.xCache, "BYPASS");
    for (const line of sent.trim().split("\r\n"))
      assert.ok(seen(path).includes(line), `${line} in ${seen(path)}`);
    assert.match(seen(path), /x-forwarded-host: shop\.example/i);
    assert.doesNotMatch(seen(path), /evergraph-purge/i);
  }
  const path = origin.at("/api/likes", said);
  assert.deepEqual([(await ask(path)).xCache, (await ask(path)).xCache], ["MISS", "HIT"]);
  const odd = await ask(path, { headers: "X-Tenant: \xe9\r\n" });
  assert.deepEqual([odd.xCache, odd.detail], ["BYPASS", "header-bytes"]);
  for (const value of [UTF_8, ODD]) {
    const headers = `Referer: http://x/${value}\r\nUser-Agent: ${value}\r\nAccept-Language: ${value}\r\n`;
    assert.equal((await ask(path, { headers })).xCache, "HIT");
    const other = origin.at(`/api/sent-${value.length}`, said);
    assert.equal((await ask(other, { headers })).xCache, "MISS");
    for (const line of headers.trim().split("\r\n")) assert.ok(seen(other).includes(line), seen(other));
  }
  for (const name of ["Accept", "Accept-Encoding", "Origin", "If-None-Match", "Cookie", "Authorization"]) {
    const got = await ask(path, { headers: `${name}: \xe9\r\n` });
    assert.deepEqual([got.xCache, got.detail], ["BYPASS", "header-bytes"], name);
  }
  const cookies = `Cookie: evergraph-purge=1; sid=${ODD}\r\n`;
  await ask("/health/sent", { headers: cookies });
  assert.ok(seen("/health/sent").includes(`sid=${ODD}`), seen("/health/sent"));
});

test("values that differ in such a byte alone are never taken for one another", async () => {
  const varied = (name, body) =>
    answer(200, `Cache-Control: max-age=60\r\nVary: ${name}\r\n`, Buffer.from(body, "latin1"));
  for (const [name, readable, detail] of [
    ["X-Region", "n", "header-bytes"],
    ["User-Agent", "curl", "request-header-bytes"],
  ]) {
    const path = `/plain/varied-${name}`;
    for (const value of ["\xe8", "\xe9", "\xe8"]) {
      origin.at(path, varied(name, value));
      const got = await ask(path, { headers: `${name}: ${value}\r\n` });
      assert.deepEqual([got.bytes.toString("latin1"), got.detail], [value, detail]);
    }
    origin.at(path, answer(200, `Cache-Control: max-age=60\r\nVary: ${name}\r\n`, Buffer.from("plain")));
    for (const xCache of ["MISS", "HIT"])
      assert.equal((await ask(path, { headers: `${name}: ${readable}\r\n` })).xCache, xCache);
    origin.at(path, varied(name, "\xe9"));
    const got = await ask(path, { headers: `${name}: \xe9\r\n` });
    assert.equal(got.bytes.toString("latin1"), "\xe9");
  }
});

test("an upgrade that the origin does not make is passed on like anything else", async () => {
  const own =
    "Cache-Tag: secret-tag\r\nSurrogate-Key: k\r\nSurrogate-Control: max-age=9\r\nCDN-Cache-Control: max-age=9\r\nxkey: k\r\n";
  origin.at(
    "/api/socket",
    answer(302, `${own}Location: ${origin.url}/elsewhere\r\nX-Name: ${ODD}\r\n`, Buffer.from("no")),
  );
  const upgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
  const got = await ask("/api/socket", { headers: upgrade });
  assert.deepEqual([got.status, got.xCache, got.detail], [302, "BYPASS", "upgrade"]);
  assert.equal(got.get("location"), "http://shop.example/elsewhere");
  assert.equal(got.get("x-name"), ODD);
  for (const name of ["cache-tag", "surrogate-key", "surrogate-control", "cdn-cache-control", "xkey"])
    assert.equal(got.get(name), undefined, name);
});
