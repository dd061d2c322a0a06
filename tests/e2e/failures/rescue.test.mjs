// A request that Wasm fails at is forwarded, and its response passed on, by the rules for requests that
// are passed through, whatever the headers are.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { trappingEntry } from "../lib/panics.mjs";
import { Random, SEED } from "../lib/random.mjs";
import { held, open, RawOrigin, say } from "../lib/wire.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const origin = await new RawOrigin().listen();
after(() => origin.close());

const config = {
  bypass: ["/passed/**"],
  tag_headers: ["x-own-tags"],
  purge: { cookie: true },
};
const world = await startWorld({ entry: trappingEntry, originUrl: origin.url, config });
const keeping = await startWorld({
  entry: trappingEntry,
  originUrl: origin.url,
  config: { ...config, rest: { cdn_cache_control: "keep" } },
});

const failures = (from) => from.events("failure").filter(({ part }) => part === "worker").length;

/** The header fields of a response, without those that differ each time. */
function fieldsOf(text, ignored) {
  const [head] = text.split("\r\n\r\n");
  const lines = head
    .split("\r\n")
    .slice(1)
    .map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
  return lines.filter((line) => !ignored.some((name) => line.startsWith(`${name}:`))).sort();
}

/** Asks for a path; what the origin saw, and what the client got. With `fails`, Wasm fails at it. */
async function exchange(from, path, sent, answered, fails) {
  origin.at(path, `HTTP/1.1 200 X\r\n${answered}Content-Length: 2\r\n\r\nok`);
  const before = failures(from);
  const trap = fails ? "X-Trap: 1\r\n" : "";
  const got = await say(
    from.url("/"),
    `GET ${path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n${sent}${trap}\r\n`,
  );
  assert.equal(failures(from) - before, fails ? 1 : 0, "it failed where it was to fail");
  const { text } = origin.requests.findLast(({ url }) => url === path);
  assert.match(got, fails ? /detail=worker-failed/ : /detail=bypass-path/);
  return {
    seen: fieldsOf(text, ["x-trap"]),
    got: fieldsOf(got, []).map((line) => line.replace(/detail=[\w-]+$/, "")),
    body: got.slice(got.indexOf("\r\n\r\n") + 4),
  };
}

/** A request that Wasm fails at, after checking that the same request without a failure gives the same. */
async function compared(from, path, sent, answered) {
  const passed = await exchange(from, path, sent, answered, false);
  const rescued = await exchange(from, path, sent, answered, true);
  assert.deepEqual(rescued, passed, `${sent}\n${answered}`);
  return rescued;
}

const DEBUG = `Evergraph-Debug: 1\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n`;
/** Header lines that a client may send, each odd in its own way. */
const SENT = [
  DEBUG,
  "Authorization: Bearer alice\r\n",
  "Evergraph-Debug: 1\r\n",
  "Evergraph-Purge: 7\r\n",
  "Cookie: evergraph-purge=7\r\n",
  "Cookie: a=1; evergraph-purge=7; b=2\r\n",
  "Cookie: sid=\xe9\r\n",
  "X-Forwarded-Host: evil.example\r\n",
  "X-Forwarded-Proto: gopher\r\n",
  "X-Forwarded-For: 1.2.3.4\r\n",
  "X-Original-URL: /admin\r\n",
  "Accept-Encoding: gzip, br\r\n",
  "Accept: text/html\r\n",
  "X-Name: caf\xe9\r\n",
  "X-Name: caf\xc3\xa9\r\n",
  'If-None-Match: "x"\r\n',
  "Range: bytes=0-1\r\n",
];
const ANSWERED = [
  "Cache-Tag: a\r\n",
  "Surrogate-Key: a\r\n",
  "Surrogate-Control: max-age=9\r\n",
  "CDN-Cache-Control: max-age=9\r\n",
  "xkey: a\r\n",
  "Cache-Control: public, max-age=60\r\n",
  "Set-Cookie: a=1\r\nSet-Cookie: b=\xe9\r\n",
  'ETag: "caf\xe9"\r\n',
  `Location: ${origin.url}/a\r\n`,
  "Location: /caf\xe9\r\n",
  "Content-Encoding: identity\r\n",
  "X-Cache: HIT\r\n",
  "Cache-Status: shield; hit\r\n",
  "Evergraph-Debug: 1\r\n",
  "Vary: Accept\r\n",
];

test("over generated headers the rescue does what passing through does", async () => {
  const random = new Random(SEED);
  const some = (lines) => lines.filter(() => random.chance(33)).join("");
  for (let n = 0; n < 60; n += 1) {
    await compared(n % 2 === 0 ? world : keeping, `/passed/${n}`, some(SENT), some(ANSWERED));
  }
});

test("each header by itself, so that none hides behind another", async () => {
  for (const [n, sent] of SENT.entries()) await compared(world, `/passed/sent-${n}`, sent, "");
  for (const from of [world, keeping])
    for (const [n, answered] of ANSWERED.entries())
      await compared(from, `/passed/answered-${n}`, "", answered);
});

test("what is Evergraph's own never reaches the origin, and the public name does", async () => {
  const sent = `${DEBUG}Evergraph-Purge: 7\r\nCookie: a=1; evergraph-purge=7\r\nX-Forwarded-Host: evil.example\r\n`;
  const { seen } = await compared(world, "/passed/own", sent, "");
  const text = seen.join("\n");
  for (const own of [ADMIN_TOKEN, "evergraph-", "evil.example"]) assert.ok(!text.includes(own), text);
  assert.ok(seen.includes("x-forwarded-host: shop.example"), text);
  assert.ok(seen.includes("cookie: a=1"), text);
  // The control: who is no administrator is asking the origin.
  const alice = await compared(world, "/passed/alice", "Authorization: Bearer alice\r\n", "");
  assert.ok(alice.seen.includes("authorization: Bearer alice"));
});

test("CDN-Cache-Control is kept where it is to be kept, and the others never", async () => {
  const answered = "CDN-Cache-Control: max-age=9\r\nCache-Tag: a\r\nSurrogate-Key: a\r\nX-Own-Tags: a\r\n";
  for (const [from, kept] of [
    [world, []],
    [keeping, ["cdn-cache-control: max-age=9"]],
  ]) {
    const { got } = await compared(from, "/passed/cdn", "", answered);
    assert.deepEqual(
      got.filter((line) => /^(cdn-|cache-tag|surrogate|x-own-tags)/.test(line)),
      kept,
    );
  }
});

test("a token for Evergraph's own routes is not the origin's, however the route is spelled", async () => {
  for (const path of [
    "/__evergraph/health",
    "/%5f%5fevergraph/purge",
    "/__evergraph/../__evergraph/health",
    "/__evergraph",
    "//__evergraph/purge",
    "/__evergraph%2fpurge",
    "/__EVERGRAPH/purge",
    "/__evergraph;v=1/purge",
  ]) {
    const asked = origin.requests.length;
    const got = await say(
      world.url("/"),
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Trap: 1\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`,
    );
    assert.match(got, /^HTTP\/1\.1 (200|401|404|405|503)/);
    assert.equal(origin.requests.length, asked, path);
  }
});

test("a write whose answer streams purges at its end too, though Wasm has failed at it", async () => {
  const streaming = await startWorld({
    entry: trappingEntry,
    config: { types: { api: { match: ["rest:/api/**"], ttl: 600 } }, purge: { max_lag: 60 } },
  });
  let version = 0;
  let end = held();
  streaming.origin.answer = async (request, response) => {
    if (request.method === "GET") return response.end(`${version}`);
    response.writeHead(200, { "content-type": "text/plain" }).write("begun ");
    await end.promise;
    response.end("and ended");
  };
  const path = "/api/streamed";
  const read = () => streaming.ask(path);
  for (const trap of [{}, { "x-trap": "1" }]) {
    end = held();
    const before = failures(streaming);
    const answer = await open(streaming.url(path), {
      method: "PUT",
      headers: { "content-length": 0, ...trap },
    });
    assert.equal((await answer.next()).toString(), "begun ");
    assert.equal(failures(streaming) - before, trap["x-trap"] ? 1 : 0);
    // What is stored during the write shows the state before its commit.
    await streaming.until(async () => (await read()).xCache === "HIT", "it is stored");
    assert.equal((await read()).text, `${version}`);
    version += 1;
    end.release();
    const { bytes, broken } = await answer.rest();
    assert.deepEqual([bytes.toString(), broken], ["and ended", false]);
    const fresh = await read();
    assert.deepEqual([fresh.xCache, fresh.text], ["MISS", `${version}`], JSON.stringify(trap));
  }
});

test("a mutation by GET that Wasm fails at is sent once, and purges", async () => {
  const world = await startWorld({
    entry: trappingEntry,
    config: { types: { api: { match: ["rest:/api/**"], ttl: 600 } }, purge: { max_lag: 60 } },
  });
  let mutations = 0;
  world.origin.answer = (request, response) => {
    if (!request.url.includes("mutation")) return response.end("read");
    mutations += 1;
    // It is about the worker: the runtime itself sends a GET again whose connection breaks.
    response.end("written");
  };
  const read = () => world.ask("/api/read");
  for (const [n, path] of ["/graphql", "/GraphQL", "/x/..%2fgraphql"].entries()) {
    await world.until(async () => (await read()).xCache === "HIT", "it is stored");
    const headers = { "x-trap": "1" };
    assert.equal((await world.ask(`${path}?query={read}`, { headers })).text, "read");
    assert.equal((await read()).xCache, "HIT", "a query purges nothing");
    assert.equal((await world.ask(`${path}?query=mutation{write}`, { headers })).text, "written");
    assert.equal(mutations, n + 1);
    assert.notEqual((await read()).xCache, "HIT", path);
  }
});

test("what a header makes a write is one for the rescue too: it is sent once, and purges", async () => {
  const types = { api: { match: ["rest:/api/**"], ttl: 600 } };
  const own = await startWorld({ entry: trappingEntry, config: { types } });
  let breaks = false;
  // On a connection that was used before, the runtime itself sends a request again.
  const fields = { "cache-control": "max-age=60", connection: "close" };
  own.origin.answer = (_request, response) =>
    breaks ? response.destroy() : response.writeHead(200, fields).end("ok");
  const read = async () => (await own.ask("/api/x")).xCache;
  const overrides = (method) => ({ "x-http-method-override": method });
  for (const [what, method, headers, isWrite] of [
    ["a read", "GET", {}, false],
    ["a write", "PUT", {}, true],
    ["a read that a header makes a write", "GET", overrides("DELETE"), true],
    ["a HEAD that a header makes a write", "HEAD", overrides("PATCH"), true],
    ["a read that a header leaves one", "GET", overrides("HEAD"), false],
  ]) {
    for (const isBroken of [false, true]) {
      await own.until(async () => (await read()) === "HIT", "it is stored");
      const asked = own.origin.requests.length;
      breaks = isBroken;
      const { status } = await own.ask("/api/x", { method, headers: { ...headers, "x-trap": "1" } });
      breaks = false;
      // A read is sent to the origin again.
      const times = own.origin.requests.length - asked;
      assert.deepEqual([status, times], isBroken ? [502, isWrite ? 1 : 2] : [200, 1], what);
      assert.equal((await read()) !== "HIT", isWrite, what);
    }
  }
});

test("the answer to an upgrade that the origin does not make shows no tags and no address of its own", async () => {
  for (const path of ["/upgrade/plain", "/graphql"]) {
    const tags = "X-Own-Tags: a\r\nCache-Tag: b\r\nxkey: c\r\n";
    origin.at(
      path,
      `HTTP/1.1 200 X\r\n${tags}X-Kept: d\r\nLocation: ${origin.url}/a\r\nContent-Length: 2\r\n\r\nok`,
    );
    const got = await say(
      world.url("/"),
      `GET ${path} HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    const shown = fieldsOf(got, []).filter((line) =>
      /^(x-own-tags|cache-tag|xkey|x-kept|location):/.test(line),
    );
    assert.match(got, /detail=upgrade/);
    assert.deepEqual(shown, ["location: http://shop.example/a", "x-kept: d"], got);
  }
});
