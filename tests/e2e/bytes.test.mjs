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
import { RawOrigin, say } from "./lib/wire.mjs";
import { startWorld } from "./lib/world.mjs";

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
async function ask(path, { method = "GET", headers = "", body = "", place = 0 } = {}) {
  const length = body === "" ? "" : `Content-Length: ${Buffer.byteLength(body, "latin1")}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n${length}${headers}\r\n`;
  const came = await say(world.url("/", place), head + body);
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

test("header values that are not UTF-8 reach the client as they are, and are not stored", async () => {
  const set = `Set-Cookie: a=${ODD}; Path=/\r\nSet-Cookie: b=\xe8\r\n`;
  const fields = `Content-Type: text/plain\r\n${fieldsWith(ODD)}Cache-Status: shield; detail="${ODD}"\r\n`;
  origin.at("/api/odd", answer(200, fields, Buffer.from("ok")));
  origin.at("/api/odd-cookie", answer(200, fields + set, Buffer.from("ok")));
  origin.at("/health/odd", answer(200, fields + set, Buffer.from("ok")));
  origin.at("/written/odd", answer(200, fields + set, Buffer.from("ok")));
  for (const [path, init, xCache] of [
    ["/api/odd", {}, "MISS"],
    ["/api/odd", {}, "MISS"],
    ["/api/odd", { method: "HEAD" }, "MISS"],
    ["/api/odd-cookie", {}, "MISS"],
    ["/health/odd", {}, "BYPASS"],
    ["/written/odd", { method: "PUT", body: "{}" }, "BYPASS"],
  ]) {
    const got = await ask(path, init);
    assert.deepEqual([got.status, got.xCache], [200, xCache], path);
    assertFields(got, ODD, path);
    if (path === "/api/odd") assert.equal(got.detail, init.method === "HEAD" ? "method" : "header-bytes");
    else if (xCache === "BYPASS")
      assert.deepEqual(got.all("set-cookie"), [`a=${ODD}; Path=/`, "b=\xe8"], path);
    assert.ok(got.get("cache-status").startsWith(`shield; detail="${ODD}"`), got.get("cache-status"));
  }
});

test("GraphQL answers with such headers keep them, though something is taken out of their bodies", async () => {
  const body = { data: { item: { evergraph__typename: "Item", __typename: "Item", id: "1" } } };
  origin.at(
    "/graphql",
    answer(200, `Content-Type: application/json\r\nX-Name: ${ODD}\r\n`, Buffer.from(JSON.stringify(body))),
  );
  const query = '{"query":"query Odd { item { id } }"}';
  const got = await ask("/graphql", {
    method: "POST",
    body: query,
    headers: "Content-Type: application/json\r\n",
  });
  assert.deepEqual([got.xCache, got.detail, got.get("x-name")], ["MISS", "header-bytes", ODD]);
});

test("an entry whose validation brings such a header is not changed by it, and the client gets it", async () => {
  const fields = "Content-Type: text/plain\r\nCache-Control: max-age=0\r\n";
  const path = origin.at("/plain/validated", answer(200, `${fields}ETag: "v"\r\n`, Buffer.from("ok")));
  assert.equal((await ask(path)).xCache, "MISS");
  origin.at(path, `HTTP/1.1 304 X\r\nETag: "v"\r\nX-Name: ${ODD}\r\nCache-Control: max-age=60\r\n\r\n`);
  for (let time = 0; time < 2; time += 1) {
    const got = await ask(path);
    assert.deepEqual([got.xCache, got.detail, got.get("x-name")], ["REVALIDATED", "header-bytes", ODD]);
    assert.equal(got.bytes.toString(), "ok");
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
  const utf8 = await ask(path, { headers: `Referer: http://x/${UTF_8}\r\n` });
  assert.equal(utf8.xCache, "HIT");
});

test("values that differ in such a byte alone are never taken for one another", async () => {
  const fields = "Content-Type: text/plain\r\nVary: X-Region\r\n";
  for (const region of ["\xe8", "\xe9"]) {
    const path = origin.at("/api/varied", answer(200, fields, Buffer.from(region, "latin1")));
    const got = await ask(path, { headers: `X-Region: ${region}\r\n` });
    assert.equal(got.bytes.toString("latin1"), region);
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
