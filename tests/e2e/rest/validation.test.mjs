// A stale stored response is validated with the origin (RFC 9111 §4.3).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  places: 2,
  config: {
    types: {
      saved: { match: ["rest:/saved/**"], ttl: 600, sie: 600 },
      product: { match: ["graphql:Query.product"], ttl: 600, swr: 600 },
    },
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);

/** So old that it is stale as it comes, and of a lifetime that a 304 starts over. */
const STALE = { "cache-control": "max-age=600", age: "700" };
const MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT";
const REVALIDATED = "evergraph; fwd=stale; fwd-status=304; stored";

const conditions = ({ headers }) => [headers["if-none-match"], headers["if-modified-since"]];
const lastConditions = (path) => conditions(paths.asked(path).at(-1));

/** An answer that is stale as it comes, and a 304 to whoever asks about it. */
function validated(fields, { fresh = {}, whole = STALE } = {}) {
  return (request, response) => {
    const known = conditions(request).some((condition) => condition !== undefined);
    if (known) response.writeHead(304, fresh).end();
    else response.writeHead(200, { ...whole, ...fields, "x-new": "no" }).end("body");
  };
}

/** Purges a path by its tag. */
const purge = (path, body = {}) => world.admin("purge", { body: { tags: [`path:${path}`], ...body } });

test("the origin sees the validators byte for byte, and its 304 brings fields", async () => {
  for (const fields of [
    { etag: '"a"' },
    { etag: 'W/"a,b \\"' },
    { etag: "bare" },
    { "last-modified": MODIFIED },
    { "last-modified": "Sunday, 06-Nov-94 08:49:37 GMT" },
    { etag: '"both"', "last-modified": MODIFIED },
  ]) {
    const fresh = { "x-new": "yes", "x-added": "1" };
    const path = paths.add(validated(fields, { fresh }));
    const first = await paths.get(path);
    assert.deepEqual([first.xCache, first.text, first.headers["x-new"]], ["MISS", "body", "no"]);
    assert.deepEqual(lastConditions(path), [undefined, undefined]);
    await world.until(async () => (await paths.get(path)).xCache === "HIT", "validated, and then a hit");
    const asked = paths.asked(path);
    assert.deepEqual(conditions(asked.at(-1)), [fields.etag, fields["last-modified"]]);
    const hit = await paths.get(path);
    assert.deepEqual(
      [hit.xCache, hit.text, hit.headers["x-new"], hit.headers["x-added"], hit.headers.etag],
      ["HIT", "body", "yes", "1", fields.etag ?? hit.headers.etag],
    );
    assert.equal(paths.asked(path).length, asked.length);
  }
});

/** Stores a path's answer, which takes a moment longer than its client's answer. */
async function stored(path, headers) {
  const first = await paths.get(path, headers);
  assert.equal(first.xCache, "MISS", first.cacheStatus);
  assert.match(first.cacheStatus, /; stored$/);
  await world.admin("health");
}

test("the answer to who validated says so, and has the stored body", async () => {
  const path = paths.add(validated({ etag: '"a"' }, { fresh: { "x-new": "yes" } }));
  await stored(path);
  const second = await paths.get(path);
  assert.deepEqual(
    [second.status, second.text, second.xCache, second.cacheStatus, second.headers["x-new"]],
    [200, "body", "REVALIDATED", REVALIDATED, "yes"],
  );
  assert.equal(second.headers.age, "0");
  assert.equal((await paths.get(path)).xCache, "HIT");
  assert.deepEqual(
    world.events("revalidated").map(({ stored }) => stored),
    Array(world.events("revalidated").length).fill(true),
  );
});

test("what Evergraph itself calls an entity tag is not sent to the origin", async () => {
  const path = paths.add(200, { ...STALE, "last-modified": MODIFIED }, "body");
  await stored(path);
  const second = await paths.get(path, { "if-none-match": '"eg-0"' });
  assert.deepEqual(lastConditions(path), [undefined, MODIFIED]);
  assert.match(second.headers.etag, /^"eg-/);
  const own = paths.add(200, { "cache-control": "max-age=600, no-cache" }, "body");
  for (let n = 0; n < 3; n += 1) await paths.get(own);
  assert.deepEqual(paths.asked(own).map(conditions), Array(3).fill([undefined, undefined]));
});

test("an answer with no-cache is validated at each use", async () => {
  const whole = { "cache-control": "no-cache, max-age=600" };
  const path = paths.add(validated({ etag: '"a"' }, { whole, fresh: whole }));
  await stored(path);
  for (let n = 0; n < 3; n += 1) {
    const answer = await paths.get(path);
    assert.deepEqual([answer.xCache, answer.text], ["REVALIDATED", "body"]);
    assert.equal(lastConditions(path)[0], '"a"');
  }
  assert.equal(paths.asked(path).length, 4);
});

test("a client's no-cache validates what is fresh; Pragma does where there is no Cache-Control", async () => {
  const path = paths.add(validated({ etag: '"a"' }, { whole: { "cache-control": "max-age=600" } }));
  await stored(path);
  assert.equal((await paths.get(path)).xCache, "HIT");
  for (const headers of [{ "cache-control": "no-cache" }, { pragma: "no-cache" }]) {
    const answer = await paths.get(path, headers);
    assert.deepEqual(
      [answer.xCache, answer.cacheStatus],
      ["REVALIDATED", "evergraph; fwd=request; fwd-status=304; stored"],
    );
    assert.equal(lastConditions(path)[0], '"a"');
  }
});

test("a client that has the answer gets 304 from a validation, by its own conditions", async () => {
  const path = paths.add(validated({ etag: '"a"' }));
  await stored(path);
  const known = await paths.get(path, { "if-none-match": '"x", "a"' });
  assert.deepEqual([known.status, known.text, known.headers.etag], [304, "", '"a"']);
  assert.equal(lastConditions(path)[0], '"a"', "the client's own conditions are not the origin's");
  assert.equal((await paths.get(path)).text, "body");
});

test("a 304 about another answer is asked again for the whole", async () => {
  const path = paths.add(validated({ etag: '"a"' }, { fresh: { etag: '"b"' } }));
  await stored(path);
  const before = paths.asked(path).length;
  const answer = await paths.get(path);
  assert.deepEqual([answer.status, answer.text, answer.xCache], [200, "body", "MISS"]);
  assert.deepEqual(paths.asked(path).slice(before).map(conditions), [
    ['"a"', undefined],
    [undefined, undefined],
  ]);
});

test("a 304 that nobody asked for passes, and is not stored", async () => {
  const path = paths.add(304, { "cache-control": "max-age=600", etag: '"a"' });
  for (let n = 0; n < 2; n += 1) {
    const answer = await paths.get(path);
    assert.deepEqual([answer.status, answer.text, answer.xCache], [304, "", "MISS"]);
    assert.match(answer.cacheStatus, /detail=status$/);
  }
  assert.deepEqual(paths.asked(path).map(conditions), Array(2).fill([undefined, undefined]));
});

test("a 304 that forbids to store, or sets a cookie, is not stored", async () => {
  for (const fresh of [
    { "cache-control": "no-store" },
    { "cache-control": "private, max-age=600" },
    { "set-cookie": "a=1" },
    { vary: "*" },
  ]) {
    const path = paths.add(validated({ etag: '"a"' }, { fresh }));
    await stored(path);
    for (let n = 0; n < 2; n += 1) {
      const answer = await paths.get(path);
      assert.deepEqual([answer.text, answer.xCache], ["body", "REVALIDATED"]);
      assert.doesNotMatch(answer.cacheStatus, /; stored/);
      assert.deepEqual(answer.headers["set-cookie"], fresh["set-cookie"] && [fresh["set-cookie"]]);
    }
    assert.equal(paths.asked(path).length, 3);
  }
});

test("a 304's age is its own", async () => {
  const path = paths.add(validated({ etag: '"a"' }, { fresh: { age: "700" } }));
  await stored(path);
  for (let n = 0; n < 2; n += 1) assert.equal((await paths.get(path)).xCache, "REVALIDATED");
});

test("HEAD validates a stored answer for the next GET", async () => {
  const etagged = (etag) => (request, response) => {
    if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
    return response.writeHead(200, { ...STALE, etag }).end(`body ${etag}`);
  };
  const path = paths.add(etagged('"a"'));
  await stored(path);
  const same = await paths.send("HEAD", path);
  assert.deepEqual([same.status, same.text, same.xCache], [200, "", "REVALIDATED"]);
  const hit = await paths.get(path);
  assert.deepEqual([hit.xCache, hit.text], ["HIT", 'body "a"']);
});

test("variants are validated each by its own tag", async () => {
  const path = paths.add((request, response) => {
    const lang = request.headers["x-lang"];
    const etag = `"${lang}"`;
    if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
    return response.writeHead(200, { ...STALE, etag, vary: "X-Lang" }).end(lang);
  });
  for (const lang of ["a", "b", "c"]) await stored(path, { "x-lang": lang });
  for (const lang of ["c", "a", "b"]) {
    const answer = await paths.get(path, { "x-lang": lang });
    assert.deepEqual([answer.xCache, answer.text], ["REVALIDATED", lang]);
    assert.equal(lastConditions(path)[0], `"${lang}"`);
    const hit = await paths.get(path, { "x-lang": lang });
    assert.deepEqual([hit.xCache, hit.text], ["HIT", lang]);
  }
});

test("a changed answer replaces the stored one", async () => {
  let version = 1;
  const path = paths.add((_request, response) =>
    response.writeHead(200, { ...STALE, etag: `"${version}"` }).end(`v${version}`),
  );
  await stored(path);
  version = 2;
  const second = await paths.get(path);
  assert.deepEqual([second.text, second.xCache], ["v2", "MISS"]);
  assert.equal(second.cacheStatus, "evergraph; fwd=stale; fwd-status=200; stored");
  await world.until(async () => {
    await paths.get(path);
    return lastConditions(path)[0] === '"2"';
  }, "the new one is asked about");
});

test("a 5xx to a validation: the stale one within sie, else it is passed on", async () => {
  for (const [more, expected] of [
    [", stale-if-error=600", [200, "STALE", "body"]],
    ["", [503, "MISS", "down"]],
    [", stale-if-error=600, must-revalidate", [503, "MISS", "down"]],
  ]) {
    const whole = { "cache-control": `max-age=600${more}`, age: "700" };
    const path = paths.add(validated({ etag: '"a"' }, { whole }));
    await stored(path);
    const healthy = validated({ etag: '"a"' }, { whole });
    paths.at(path, 503, {}, "down");
    const failed = await paths.get(path);
    assert.deepEqual([failed.status, failed.xCache, failed.text], expected, more);
    assert.equal(lastConditions(path)[0], '"a"');
    paths.at(path, healthy);
    assert.equal((await paths.get(path)).xCache, "REVALIDATED", "the failure did not take the entry's place");
  }
});

test("validation in the background: who asks gets the stale one, and the next a hit", async () => {
  const whole = { "cache-control": "max-age=600, stale-while-revalidate=600", age: "700" };
  const path = paths.add(validated({ etag: '"a"' }, { whole, fresh: { "x-new": "yes" } }));
  await stored(path);
  const stale = await paths.get(path);
  assert.deepEqual([stale.xCache, stale.text, stale.headers["x-new"]], ["STALE", "body", "no"]);
  await world.until(async () => (await paths.get(path)).xCache === "HIT", "validated behind the answer");
  assert.equal((await paths.get(path)).headers["x-new"], "yes");
  assert.deepEqual(paths.asked(path).map(conditions), [
    [undefined, undefined],
    ['"a"', undefined],
  ]);
});

test("what another place has stored is validated here", async () => {
  const path = paths.at("/saved/places", (request, response) =>
    request.headers["if-none-match"] === '"a"'
      ? response.writeHead(304).end()
      : response.writeHead(200, { etag: '"a"' }).end("body"),
  );
  await stored(path);
  await world.until(async () => (await paths.get(path, {}, 1)).xCache === "HIT", "KV has it");
  const before = paths.asked(path).length;
  await purge(path, { soft: true });
  await world.until(async () => {
    await paths.get(path, {}, 1);
    return paths.asked(path).length > before;
  }, "the purge arrives");
  assert.deepEqual(lastConditions(path)[0], '"a"');
  assert.equal((await paths.get(path, {}, 1)).xCache, "HIT");
});
