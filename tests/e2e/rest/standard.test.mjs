// How far HTTP's own rules reach: the table `rest` of the configuration, each value against its other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const scopes = { user: { by: ["header:x-user"] }, bearer: { by: ["header:authorization"] } };
const types = {
  mine: { match: ["rest:/mine/**"], ttl: "origin", scope: "bearer" },
  other: { match: ["rest:/user/**"], ttl: "origin", scope: "user" },
  fixed: { match: ["rest:/fixed/**"], ttl: 600 },
};
const start = (rest) => startWorld({ config: { rest, scopes, types, purge: { max_lag: 1 } } });
const byDefault = await start({});
const standard = await start({
  heuristic: true,
  client_directives: false,
  authorization: "origin",
  cdn_cache_control: "keep",
});
const usual = new Paths(byDefault);
const other = new Paths(standard);

const FRESH = { "cache-control": "max-age=600", age: "100" };
const DAY = 86_400;
const date = (seconds) => new Date(Date.now() + seconds * 1_000).toUTCString();

/** An answer that says who asked. */
const whose =
  (cacheControl, more = {}) =>
  (request, response) =>
    response
      .writeHead(200, { "cache-control": cacheControl, ...more })
      .end(request.headers.authorization ?? "nobody");

async function twice(paths, path, headers, again = headers) {
  const first = await paths.get(path, headers);
  await paths.world.admin("health");
  return [first, await paths.get(path, again)];
}
const xCaches = (answers) => answers.map(({ xCache }) => xCache);

test("heuristic: a lifetime by age, where nothing else says one", async () => {
  for (const [headers, status, seconds] of [
    [{ "last-modified": date(-100 * DAY) }, 200, DAY],
    [{ "last-modified": date(-10_000) }, 200, 1_000],
    [{ "last-modified": date(-10_000) }, 404, 1_000],
    [{ "last-modified": date(-10_000) }, 451, null],
    [{ "last-modified": date(-10_000), "cache-control": "public" }, 451, 1_000],
    [{ "last-modified": date(-10_000), "cache-control": "public" }, 403, null],
    [{ "last-modified": date(-10_000), "cache-control": "no-cache" }, 200, null],
    [{ "last-modified": date(-10_000), expires: "0" }, 200, null],
    [{ "last-modified": date(10_000) }, 200, null],
    [{ "last-modified": "nonsense" }, 200, null],
    [{}, 200, null],
  ]) {
    const path = other.add(status, headers, "body");
    const [, second] = await twice(other, path);
    const what = JSON.stringify(headers);
    if (seconds === null) assert.notEqual(second.xCache, "HIT", what);
    else {
      const ttl = Number(/hit; ttl=(\d+)/.exec(second.cacheStatus)?.[1]);
      assert.ok(Math.abs(ttl - seconds) < 5, `${what}: ${second.cacheStatus}`);
    }
    assert.notEqual((await twice(usual, usual.add(status, headers, "body")))[1].xCache, "HIT", what);
  }
});

test("client_directives: whether a client's word counts", async () => {
  for (const headers of [
    { "cache-control": "no-cache" },
    { "cache-control": "max-age=50" },
    { "cache-control": "min-fresh=9999" },
    { pragma: "no-cache" },
  ]) {
    const what = JSON.stringify(headers);
    assert.deepEqual(xCaches(await twice(usual, usual.add(200, FRESH), {}, headers)), ["MISS", "MISS"], what);
    assert.deepEqual(xCaches(await twice(other, other.add(200, FRESH), {}, headers)), ["MISS", "HIT"], what);
    for (const paths of [usual, other]) {
      const fixed = paths.at(`/fixed${paths.add(200, FRESH)}`, 200, {}, "body");
      assert.deepEqual(xCaches(await twice(paths, fixed, {}, headers)), ["MISS", "HIT"], what);
    }
  }
  const noStore = { "cache-control": "no-store" };
  assert.match((await usual.get(usual.add(200, FRESH), noStore)).cacheStatus, /detail=request-no-store$/);
  assert.match((await other.get(other.add(200, FRESH), noStore)).cacheStatus, /; stored$/);
  const onlyIfCached = { "cache-control": "only-if-cached" };
  assert.equal((await usual.get(usual.add(200, FRESH), onlyIfCached)).status, 504);
  assert.equal((await other.get(other.add(200, FRESH), onlyIfCached)).status, 200);
});

test("max-stale: what the client takes, and must-revalidate does not give", async () => {
  const stale = (more) => ({ "cache-control": `max-age=10${more}`, age: "20", etag: '"a"' });
  for (const [more, headers, expected] of [
    ["", { "cache-control": "max-stale" }, "STALE"],
    ["", { "cache-control": "max-stale=60" }, "STALE"],
    ["", { "cache-control": "max-stale=5" }, "MISS"],
    [", must-revalidate", { "cache-control": "max-stale" }, "MISS"],
    [", proxy-revalidate", { "cache-control": "max-stale" }, "MISS"],
    [", s-maxage=10", { "cache-control": "max-stale" }, "MISS"],
    [", no-cache", { "cache-control": "max-stale" }, "MISS"],
  ]) {
    const path = usual.add(200, stale(more), "body");
    const [, second] = await twice(usual, path, {}, headers);
    assert.equal(second.xCache, expected, `${more}: ${JSON.stringify(headers)}`);
  }
});

const as = (name) => ({ authorization: `Bearer ${name}` });

test("authorization = scope: without one nothing is looked up, whatever the origin says", async () => {
  const path = usual.add(whose("public, max-age=600"));
  const [first, second] = await twice(usual, path, as("ada"), as("bob"));
  assert.deepEqual([first.text, second.text, second.xCache], ["Bearer ada", "Bearer bob", "BYPASS"]);
});

test("authorization = origin: shared by the origin's word, and never without it", async () => {
  for (const [cacheControl, shared] of [
    ["public, max-age=600", true],
    ["s-maxage=600", true],
    ["must-revalidate, max-age=600", true],
    ["max-age=600", false],
    ["proxy-revalidate, max-age=600", false],
    ["private, max-age=600, public", false],
    ["no-store, public, max-age=600", false],
  ]) {
    const path = other.add(whose(cacheControl));
    const [first, second] = await twice(other, path, as("ada"), as("bob"));
    assert.equal(first.text, "Bearer ada");
    assert.equal(second.text, shared ? "Bearer ada" : "Bearer bob", cacheControl);
    assert.equal(second.xCache, shared ? "HIT" : "MISS", cacheControl);
    // Nobody is answered with somebody's, either.
    const nobody = await other.get(path);
    assert.equal(nobody.text, shared ? "Bearer ada" : "nobody", cacheControl);
  }
});

test("authorization = origin: what nobody asked for is no user's answer, unless the origin says so", async () => {
  const path = other.add(whose("max-age=600"));
  const [, second] = await twice(other, path, {}, as("ada"));
  assert.deepEqual([second.text, second.xCache], ["Bearer ada", "MISS"]);
  // Asked for at once, nobody waits for another's.
  const unshared = other.add(whose("max-age=600"));
  const names = Array.from({ length: 8 }, (_, n) => `u${n}`);
  const answers = await Promise.all(names.map((name) => other.get(unshared, as(name))));
  assert.deepEqual(
    answers.map(({ text }) => text),
    names.map((name) => `Bearer ${name}`),
  );
  const part = other.add((request, response) =>
    response
      .writeHead(206, { ...FRESH, etag: '"a"', "content-range": "bytes 0-3/9" })
      .end(request.headers.authorization.slice(-4)),
  );
  for (const name of ["ada1", "bob2"]) {
    assert.equal((await other.get(part, { ...as(name), range: "bytes=0-3" })).text, name);
  }
});

test("authorization = origin: a scope goes before, and a ttl of the configuration's is none's word", async () => {
  other.at("/mine/a", whose("max-age=600"));
  const [ada, again] = await twice(other, "/mine/a", as("ada"));
  assert.deepEqual([ada.xCache, again.xCache, again.text], ["MISS", "HIT", "Bearer ada"]);
  assert.equal((await other.get("/mine/a", as("bob"))).text, "Bearer bob");
  other.at("/fixed/a", whose("public, max-age=600"));
  assert.equal((await other.get("/fixed/a", as("ada"))).xCache, "BYPASS");
  other.at("/user/a", whose("public, max-age=600"));
  const ofUser = (user, name) => ({ "x-user": user, ...as(name) });
  const [, shared] = await twice(other, "/user/a", ofUser("1", "ada"), ofUser("1", "bob"));
  assert.deepEqual([shared.xCache, shared.text], ["HIT", "Bearer ada"]);
  assert.equal((await other.get("/user/a", ofUser("2", "cleo"))).text, "Bearer cleo");
});

test("cdn_cache_control: whether the next cache gets it", async () => {
  const headers = { "cdn-cache-control": "max-age=600", "surrogate-control": "max-age=5" };
  for (const [paths, expected] of [
    [usual, undefined],
    [other, "max-age=600"],
  ]) {
    for (const answer of await twice(paths, paths.add(200, headers, "body"))) {
      assert.equal(answer.headers["cdn-cache-control"], expected, answer.xCache);
      assert.equal(answer.headers["surrogate-control"], undefined);
    }
    const passed = await paths.get(paths.add(200, { ...headers, "set-cookie": "a=1" }));
    assert.equal(passed.headers["cdn-cache-control"], expected);
  }
});
