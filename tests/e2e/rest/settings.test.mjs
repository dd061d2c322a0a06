// The settings of a cache type for REST only.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: {
      byOrigin: { match: ["rest:/origin/**"], ttl: "origin", sie: 600, tags: ["by-origin"] },
      most: { match: ["rest:/origin/most/**"], ttl: 100 },
      all: { match: ["rest:/query/all"], ttl: 600, query: "all" },
      only: { match: ["rest:/query/only"], ttl: 600, query: ["q", "page", "filter_*"] },
      none: { match: ["rest:/query/none"], ttl: 600, query: [] },
      except: { match: ["rest:/query/except"], ttl: 600, query: { except: ["utm_*", "fbclid"] } },
      asItCame: { match: ["rest:/query/plain"], ttl: 600 },
      pages: { match: ["rest:/Pages/**"], ttl: 600, ignore_case: true },
      statuses: {
        match: ["rest:/status/**"],
        ttl: 600,
        statuses: { 404: 60, 301: 600, 410: 0, 429: 20, 503: 60 },
      },
      stripped: { match: ["rest:/strip/**"], ttl: 600, strip_set_cookie: true },
      varied: { match: ["rest:/vary/**"], ttl: 600, vary: ["X-Currency", "x-b"] },
    },
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);

const settle = () => world.admin("health");
let count = 0;
/** Every answer differs, and says what was asked. */
const counted =
  (headers = {}, status = 200) =>
  (request, response) => {
    count += 1;
    const { url } = request;
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ count, url, headers: request.headers }));
  };
const lastUrl = () =>
  world.origin.requests.filter(({ method, url }) => method === "GET" && url !== "/").at(-1).url;

async function isHit(path, headers) {
  await settle();
  const answer = await paths.get(path, headers);
  assert.equal(answer.xCache, "HIT", `${path}: ${answer.cacheStatus}`);
  return answer;
}
async function isMiss(path, headers) {
  await settle();
  const answer = await paths.get(path, headers);
  assert.equal(answer.xCache, "MISS", `${path}: ${answer.cacheStatus}`);
  return answer;
}
const ttl = (answer) => Number(/ttl=(-?\d+)/.exec(answer.cacheStatus)[1]);
const about = (answer, seconds) => assert.ok(Math.abs(ttl(answer) - seconds) <= 2, answer.cacheStatus);

test("ttl = origin: the origin's headers say how long, the type says the rest", async () => {
  paths.at("/origin/a", counted({ "cache-control": "max-age=200", "cache-tag": "x" }));
  await isMiss("/origin/a");
  about(await isHit("/origin/a"), 200);
  const noCache = await paths.get("/origin/a", { "cache-control": "no-cache" });
  assert.notEqual(noCache.xCache, "HIT", "clients' directives count");
  await world.admin("purge", { body: { tags: ["by-origin"] } });
  await isMiss("/origin/a");
  paths.at("/origin/none", counted());
  for (let n = 0; n < 2; n += 1) await isMiss("/origin/none");
  // Stale as it comes, within the type's sie.
  paths.at("/origin/sie", counted({ "cache-control": "max-age=200", age: "300" }));
  const stale = await isMiss("/origin/sie");
  await settle();
  paths.at("/origin/sie", 500, {}, "down");
  const answer = await paths.get("/origin/sie");
  assert.deepEqual([answer.xCache, answer.text], ["STALE", stale.text]);
});

test("ttl = origin beside a number: no longer than that", async () => {
  for (const [name, maxAge, seconds] of [
    ["long", 5000, 100],
    ["short", 50, 50],
  ]) {
    paths.at(`/origin/most/${name}`, counted({ "cache-control": `max-age=${maxAge}` }));
    await isMiss(`/origin/most/${name}`);
    about(await isHit(`/origin/most/${name}`), seconds);
  }
});

test("CDN-Cache-Control goes before Surrogate-Control, and that before Cache-Control", async () => {
  const [cdn, surrogate] = ["cdn-cache-control", "surrogate-control"];
  for (const [headers, seconds] of [
    [{ [cdn]: "max-age=60", [surrogate]: "max-age=70", "cache-control": "max-age=80" }, 60],
    [{ [surrogate]: "max-age=70", "cache-control": "no-store" }, 70],
    [{ [cdn]: "max-age=60", "cache-control": "private, no-store" }, 60],
    [{ [cdn]: "MAX AGE", [surrogate]: "max-age=70", "cache-control": "max-age=80" }, 70],
    [{ [cdn]: "", [surrogate]: 'content="ESI/1.0"', "cache-control": "max-age=80" }, 80],
    [{ [cdn]: "no-store", "cache-control": "max-age=80" }, null],
    [{ [cdn]: "private", [surrogate]: "max-age=70" }, null],
    [{ [surrogate]: "no-store", "cache-control": "max-age=80" }, null],
    [{ [cdn]: "must-revalidate", expires: "Fri, 01 Jan 2100 00:00:00 GMT" }, null],
  ]) {
    const path = paths.add(counted(headers));
    const first = await isMiss(path);
    assert.equal(first.headers["cache-control"], headers["cache-control"], "the client gets its own");
    assert.deepEqual([first.headers[cdn], first.headers[surrogate]], [undefined, undefined]);
    if (seconds === null) await isMiss(path);
    else about(await isHit(path), seconds);
  }
});

test("query: what is left out neither counts nor reaches the origin", async () => {
  for (const path of ["all", "only", "none", "except", "plain"]) paths.at(`/query/${path}`, counted());
  for (const [first, origin, same, others] of [
    ["/query/all?b=1&a=2", "/query/all?a=2&b=1", ["/query/all?a=2&b=1"], ["/query/all?a=2", "/query/all"]],
    [
      "/query/only?utm=1&q=x&filter_a=1&%70age=2",
      "/query/only?filter_a=1&%70age=2&q=x",
      ["/query/only?q=x&%70age=2&filter_a=1", "/query/only?evil=1&filter_a=1&%70age=2&q=x&Q=y"],
      ["/query/only?q=y&page=2&filter_a=1", "/query/only?q=x", "/query/only"],
    ],
    ["/query/none?a=1", "/query/none", ["/query/none", "/query/none?", "/query/none?b&c=%00"], []],
    [
      "/query/except?utm_a=1&q=1&utm%5Fb=2&fbclid=3&%75tm_c",
      "/query/except?q=1",
      ["/query/except?q=1", "/query/except?utm_=&q=1", "/query/except?q=1&utm_x=%3Cscript%3E"],
      ["/query/except?q=1&UTM_a=1", "/query/except?q=1&fbclid2=1", "/query/except?q=1&q=1"],
    ],
    ["/query/plain?b=1&a=2", "/query/plain?b=1&a=2", [], ["/query/plain?a=2&b=1", "/query/plain?b=1&a=2&"]],
  ]) {
    const stored = await isMiss(first);
    assert.equal(lastUrl(), origin);
    for (const path of [first, ...same]) assert.equal((await isHit(path)).text, stored.text, path);
    for (const path of others) await isMiss(path);
  }
  assert.ok(
    !world.origin.requests.some(({ url }) => /evil|utm|script|fbclid=/i.test(url.replace("UTM_a", ""))),
  );
});

test("query: nor do they with a range, a HEAD, a validation, or a client that wants a new response", async () => {
  const seen = [];
  paths.at("/query/except", (request, response) => {
    seen.push(request.url);
    if (request.headers["if-none-match"]) return response.writeHead(304).end();
    return response.writeHead(200, { etag: '"a"' }).end("body");
  });
  const path = "/query/except?utm_evil=1&r=1";
  await paths.get(path, { range: "bytes=0-1", "cache-control": "no-cache" });
  await settle();
  await world.admin("purge", { body: { all: true } });
  await paths.send("HEAD", path);
  await paths.get(path);
  await settle();
  await world.admin("purge", { body: { all: true, soft: true } });
  assert.equal((await paths.get(path)).xCache, "REVALIDATED");
  await paths.get(path, { authorization: "Bearer x" });
  // A request that is not looked up is passed on unchanged.
  assert.deepEqual(seen, [...Array(4).fill("/query/except?r=1"), path]);
});

test("ignore_case: one entry, and the origin is asked in lower case", async () => {
  paths.at("/pages/a%2fb", counted());
  const first = await isMiss("/Pages/A%2FB?X=1");
  assert.equal(lastUrl(), "/pages/a%2fb?X=1");
  assert.equal((await isHit("/pAgEs/a%2Fb?X=1")).text, first.text);
  await isMiss("/pages/a%2fb?x=1");
  paths.at("/PAGES/A%2Fb", 200);
  await paths.send("PUT", "/PAGES/A%2Fb", { body: "{}" });
  await isMiss("/pages/a%2fb?X=1");
});

test("statuses: each has its own lifetime, and 0 forbids", async () => {
  for (const [status, headers, seconds] of [
    [404, { "cache-control": "max-age=9" }, 60],
    [301, { location: "/x" }, 600],
    [410, { "cache-control": "max-age=600" }, null],
    [503, {}, 60],
    [451, {}, null],
    [451, { "cache-control": "max-age=30" }, 30],
    [451, { "cache-control": "max-age=9000" }, 600],
    [403, { "cache-control": "public, max-age=31" }, null],
    [401, { "cache-control": "max-age=32" }, null],
    [429, {}, 20],
    [500, {}, null],
  ]) {
    const path = `/status/${status}-${seconds}`;
    paths.at(path, counted(headers, status));
    const first = await isMiss(path);
    assert.equal(first.status, status);
    if (seconds === null) await isMiss(path);
    else {
      const hit = await isHit(path);
      assert.deepEqual([hit.status, hit.text], [status, first.text]);
      about(hit, seconds);
    }
  }
});

test("strip_set_cookie: nobody gets the cookie, and the answer is stored", async () => {
  for (const headers of [{}, { "cache-control": "no-store" }, { etag: '"a"' }]) {
    const path = `/strip/${Object.keys(headers)[0] ?? "plain"}`;
    paths.at(path, counted({ "set-cookie": ["a=1", "b=2"], ...headers }));
    assert.equal((await isMiss(path)).headers["set-cookie"], undefined);
    if (headers["cache-control"]) await isMiss(path);
    else assert.equal((await isHit(path)).headers["set-cookie"], undefined);
  }
  // A validation brings none either.
  await world.admin("purge", { body: { tags: ["path:/strip/etag"], soft: true } });
  paths.at("/strip/etag", 304, { "set-cookie": "c=3" });
  const revalidated = await paths.get("/strip/etag");
  assert.deepEqual([revalidated.xCache, revalidated.headers["set-cookie"]], ["REVALIDATED", undefined]);
  assert.equal((await isHit("/strip/etag")).headers["set-cookie"], undefined);
});

test("vary: headers that the type names tell answers apart, and reach the origin", async () => {
  paths.at("/vary/a", counted({ "access-control-allow-origin": "*" }));
  const variants = [
    {},
    { "x-currency": "" },
    { "x-currency": "EUR" },
    { "x-currency": "USD" },
    { "x-b": "EUR" },
  ];
  const first = [];
  for (const headers of variants) {
    const answer = await isMiss("/vary/a", headers);
    assert.equal(JSON.parse(answer.text).headers["x-currency"], headers["x-currency"]);
    first.push(answer.text);
  }
  for (const [n, headers] of variants.entries())
    assert.equal((await isHit("/vary/a", headers)).text, first[n]);
  await isHit("/vary/a", { "x-currency": "EUR", "x-request-id": "1" });
});
