// REST requests that try to choose what others read, or to read what is others'.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Paths, say } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: {
      assets: { match: ["rest:/**/*.css"], ttl: 600 },
      account: { match: ["rest:/account/**"], ttl: 600, scope: "session" },
      api: { match: ["rest:/api/**"], ttl: 600 },
    },
    scopes: { session: { by: ["cookie:session"] } },
    ignore_headers: ["x-lang"],
    bypass: ["/private/**"],
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);
const FRESH = { "cache-control": "max-age=600" };
const settle = () => world.admin("health");

/** The origin answers every path with what it was asked, and its headers. */
const echoes = (headers = FRESH) => {
  world.origin.answer = (request, response) =>
    response
      .writeHead(200, { "content-type": "application/json", ...headers })
      .end(JSON.stringify({ url: request.url, headers: request.headers }));
};
const last = () => world.origin.requests.at(-1);

test("headers that are no part of the key do not reach the origin with a read that is stored", async () => {
  echoes();
  const evil = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-server": "evil.example",
    "x-forwarded-port": "666",
    "x-forwarded-prefix": "/evil",
    "x-forwarded-scheme": "nothttps",
    "x-forwarded-path": "/evil",
    "x-http-method-override": "HEAD",
    "x-http-method": "OPTIONS",
    "x-method-override": "TRACE",
    "x-original-url": "/evil",
    "x-rewrite-url": "/evil",
    "x-host": "evil.example",
    "x-original-host": "evil.example",
    forwarded: "host=evil.example",
    "front-end-https": "on",
    "if-range": '"evil"',
    "if-none-match": '"evil"',
    "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT",
    "accept-encoding": "evil",
    "evergraph-purge": "99999999",
  };
  for (const path of ["/api/poison", "/unmatched/poison"]) {
    const answer = await paths.get(path, evil);
    assert.equal(answer.xCache, "MISS");
    const { headers } = last();
    for (const name of Object.keys(evil)) {
      assert.notEqual(headers[name], evil[name], name);
    }
    assert.equal(headers["x-forwarded-host"], `127.0.0.1:${world.ports[0]}`);
    await settle();
    const hit = await paths.get(path);
    assert.equal(hit.xCache, "HIT");
    assert.ok(!hit.text.includes("evil"));
  }
});

test("a header that Vary names tells answers apart, whatever it is", async () => {
  echoes({ ...FRESH, vary: "X-Forwarded-Host, X-Lang" });
  const ask = (headers) => paths.get("/api/vary", headers);
  const first = await ask({ "x-forwarded-host": "evil.example", "x-lang": "a" });
  await settle();
  assert.ok(!first.text.includes("evil"));
  const other = await ask({ "x-lang": "b" });
  assert.deepEqual([other.xCache, JSON.parse(other.text).headers["x-lang"]], ["MISS", "b"]);
  await settle();
  for (const lang of ["a", "b"]) {
    const answer = await ask({ "x-forwarded-host": "evil.example", "x-lang": lang });
    assert.equal(JSON.parse(answer.text).headers["x-lang"], lang);
  }
  assert.equal(JSON.parse((await ask({})).text).headers["x-lang"], undefined);
  assert.equal(JSON.parse((await ask({ "x-lang": "" })).text).headers["x-lang"], "");
});

test("a method that is none does not read or store what another wrote", async () => {
  echoes();
  await paths.get("/api/method");
  await settle();
  for (const method of ["POST", "PUT", "OPTIONS", "TRACEX", "get"]) {
    const answer = await say(
      world.url(),
      `${method} /api/method HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
    assert.ok(!/x-cache: HIT/i.test(answer), method);
  }
});

test("an account's page is not stored for all because its path ends as a style sheet's does", async () => {
  world.origin.answer = (request, response) =>
    response
      .writeHead(200, { "content-type": "text/html", ...FRESH })
      .end(request.headers.cookie ?? "nobody");
  const as = (name, path) => paths.get(path, { cookie: `session=${name}` });
  for (const path of [
    "/account/x.css",
    "/account/;x.css",
    "/account/%2e%2e/x.css",
    "/account/..%2fx.css",
    "/account/x%2ecss",
    "/account%2fx.css",
    "//account/x.css",
    "/%61ccount/x.css",
    "/account/x.css?a.css",
    "/other/../account/x.css",
    "/static/..%2faccount/x.css",
  ]) {
    for (const name of ["ada", "bob", "ada"]) {
      assert.equal((await as(name, path)).text, `session=${name}`, path);
      await settle();
    }
    assert.equal((await paths.get(path)).text, "nobody", path);
  }
});

test("each spelling of a path is answered for what the origin was asked", async () => {
  echoes();
  const seen = new Map();
  for (const path of [
    "/api/a/b",
    "/api//a/b",
    "//api/a/b",
    "/api/a//b",
    "/api/a/b/",
    "/api/a%2Fb",
    "/api/a%2fb",
    "/api/a%252Fb",
    "/api/a/./b",
    "/api/a/x/../b",
    "/api/a/%2e/b",
    "/api/a/x/%2e%2e/b",
    "/api/a\\b",
    "/api/a%5Cb",
    "/api/a/b;x=1",
    "/api/a/b?",
    "/api/a/b?x",
    "/api/a/b??",
    "/api/a/b%00",
    "/api/a/b%3F",
    "/api/a/b%23",
    "/api/a/%62",
    "/api/A/b",
    "/api/a/b%20",
    "/api/a/b+",
    "/api/a/%zz",
  ]) {
    for (let n = 0; n < 2; n += 1) {
      const answer = await paths.get(path);
      assert.equal(answer.status, 200, path);
      const { url } = JSON.parse(answer.text);
      seen.set(path, url);
      await settle();
    }
  }
  // Who shares an answer would have asked the origin for the same.
  assert.equal(seen.get("/api/a%2Fb"), "/api/a%2Fb");
  assert.equal(seen.get("/api//a/b"), "/api//a/b");
  assert.equal(seen.get("//api/a/b"), "//api/a/b");
  const before = new Map();
  for (const [path, url] of seen) {
    await world.admin("purge", { body: { all: true } });
    assert.equal(JSON.parse((await paths.get(path)).text).url, url, path);
    before.set(path, last().url);
  }
  for (const [path, url] of seen) assert.equal(before.get(path), url, path);
});

const SPELLINGS = [
  (path) => `/x/..${path}`,
  (path) => `/x/%2e%2e${path}`,
  (path) => `/x/.%2E${path}`,
  (path) => `/.${path}`,
  (path) => `/%2e${path}`,
  (path) => `/x\\..${path}`,
  (path) => `/${path.slice(1).replaceAll("/", "\\")}`,
];

test("what is not to be cached is not, in whatever spelling the origin is asked for it", async () => {
  echoes();
  for (const spelled of [...SPELLINGS, () => "/%70rivate/x.css"]) {
    const path = spelled("/private/x.css");
    for (let n = 0; n < 2; n += 1) {
      assert.equal((await paths.get(path)).xCache, "BYPASS", path);
      assert.match(last().url, /^\/(?:p|%70)rivate\/x.css$/);
    }
  }
});

test("a write purges what it changes, in whatever spelling it comes", async () => {
  for (const spelled of SPELLINGS) {
    const path = "/api/spelled/a";
    echoes();
    await paths.get(path);
    await settle();
    assert.equal((await paths.get(path)).xCache, "HIT");
    await paths.send("PUT", spelled(path), { body: "{}" });
    assert.equal(last().url, path);
    assert.equal((await paths.get(path)).xCache, "MISS", spelled(path));
  }
});

test("a mutation is one, in whatever spelling its path comes", async () => {
  let version = 0;
  world.origin.answer = (request, response, body) => {
    assert.equal(request.url, "/graphql");
    version += body.includes("mutation") ? 1 : 0;
    const thing = { __typename: "Thing", id: "1", version };
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ data: { thing, changeThing: thing } }));
  };
  const read = async () =>
    (await world.graphql("{ thing { __typename id version } }")).json.data.thing.version;
  for (const spelled of SPELLINGS) {
    const before = await read();
    assert.equal(await read(), before);
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ query: "mutation { changeThing { __typename id version } }" });
    await paths.send("POST", spelled("/graphql"), { headers, body });
    assert.equal(await read(), before + 1, spelled("/graphql"));
  }
});

test("headers that are too large keep nothing from being answered", async () => {
  const large = "a".repeat(12_000);
  world.origin.answer = (_request, response) =>
    response.writeHead(200, { ...FRESH, "x-1": large, "x-2": large, "x-3": large }).end("body");
  for (let n = 0; n < 2; n += 1) {
    const answer = await paths.get("/api/large");
    assert.deepEqual([answer.status, answer.text, answer.xCache], [200, "body", "MISS"]);
    assert.match(answer.cacheStatus, /detail=headers-too-large$/);
  }
  echoes({ ...FRESH, vary: Array.from({ length: 40 }, (_, n) => `x-${n}`).join(", ") });
  assert.match((await paths.get("/api/vary-large")).cacheStatus, /detail=vary-any$/);
  echoes();
  for (const [name, value] of [
    ["range", `bytes=${"0-1,".repeat(2_000)}0-1`],
    ["if-none-match", `${'"x", '.repeat(2_000)}"y"`],
    ["if-modified-since", large],
    ["cache-control", "no-transform,".repeat(900)],
    ["x-large", large],
  ]) {
    const answer = await paths.get(`/api/asks/${name}`, { [name]: value });
    assert.ok(answer.status === 200 || answer.status === 431, `${name}: ${answer.status}`);
  }
});

test("hosts are told apart", async () => {
  world.origin.answer = (request, response) =>
    response.writeHead(200, FRESH).end(request.headers["x-forwarded-host"]);
  for (const host of ["a.example", "b.example", "a.example:8080", "a.example"]) {
    const answer = await paths.get("/api/hosts", { host });
    assert.equal(answer.text, host);
    await settle();
  }
});

test("only Evergraph says what Evergraph did", async () => {
  world.origin.answer = (_request, response) =>
    response
      .writeHead(200, {
        ...FRESH,
        "x-cache": "HIT",
        "evergraph-key": "evil",
        "evergraph-tags": "evil",
        "cache-status": "evil; hit",
        age: "5",
      })
      .end("body");
  for (const expected of ["MISS", "HIT"]) {
    const answer = await paths.get("/unmatched/says");
    assert.equal(answer.xCache, expected);
    assert.match(answer.cacheStatus, /^evil; hit, evergraph; /);
    await settle();
  }
});
