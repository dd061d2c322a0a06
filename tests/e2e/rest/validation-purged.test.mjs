// A purged entry is not validated: no 304 brings it back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { held, Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  places: 2,
  config: {
    types: {
      saved: { match: ["rest:/saved/**"], ttl: 600, sie: 600 },
      eager: { match: ["rest:/eager/**"], ttl: 600, swr: 600 },
      product: { match: ["graphql:Query.product"], ttl: 600, swr: 600 },
    },
    purge: { max_lag: 1 },
  },
});
const paths = new Paths(world);

const STALE = { "cache-control": "max-age=600", age: "700" };
const condition = ({ headers }) => headers["if-none-match"] ?? headers["if-modified-since"];
const purge = (path, body = {}) => world.admin("purge", { body: { tags: [`path:${path}`], ...body } });

/** An origin that calls every answer by one name, so that only the purge tells old from new. */
function sameName(headers = {}) {
  const says = { text: "old" };
  says.answer = (request, response) => {
    if (condition(request) === undefined) {
      response.writeHead(200, { etag: '"a"', ...headers }).end(says.text);
    } else response.writeHead(304).end();
  };
  return says;
}

async function stored(path) {
  assert.match((await paths.get(path)).cacheStatus, /; stored$/);
  await world.admin("health");
}

for (const [name, prefix, headers] of [
  ["fresh", "/saved/fresh", {}],
  ["stale", "/p/stale", STALE],
  ["served while it is fetched again", "/eager/x", {}],
]) {
  test(`a purged entry is not asked about: ${name}`, async () => {
    const says = sameName(headers);
    const path = paths.at(prefix, says.answer);
    await stored(path);
    says.text = "new";
    assert.equal((await purge(path)).status, 200);
    const answer = await paths.get(path);
    assert.deepEqual([answer.xCache, answer.text], ["MISS", "new"]);
    assert.equal(answer.cacheStatus, "evergraph; fwd=miss; fwd-status=200; stored; detail=purged");
    assert.deepEqual(paths.asked(path).map(condition), [undefined, undefined]);
  });
}

test("nor is one whose purge is of all, or of a key, or was a write's", async () => {
  for (const [name, drop] of [
    ["all", () => world.admin("purge", { body: { all: true } })],
    ["pattern", () => world.admin("purge", { body: { patterns: ["rest/**"] } })],
    ["write", (path) => paths.send("PUT", path, { body: "{}" })],
  ]) {
    const says = sameName(STALE);
    const path = paths.add(says.answer);
    await stored(path);
    says.text = "new";
    assert.equal((await drop(path)).status, 200, name);
    assert.equal((await paths.get(path)).text, "new", name);
    const reads = paths.asked(path).filter(({ method }) => method === "GET");
    assert.deepEqual(reads.map(condition), [undefined, undefined], name);
  }
});

test("nor does an entry that is purged stand in where the origin fails", async () => {
  const says = sameName();
  const path = paths.at("/saved/fails", says.answer);
  await stored(path);
  await purge(path);
  paths.at(path, 503, {}, "down");
  const answer = await paths.get(path);
  assert.deepEqual([answer.status, answer.text], [503, "down"]);
});

test("one that is purged while the origin is asked about it is a miss after", async () => {
  const gate = held();
  const says = sameName(STALE);
  const path = paths.add(says.answer);
  await stored(path);
  paths.at(path, async (request, response) => {
    await gate.promise;
    // What the origin says of the time before the purge.
    if (condition(request) === undefined) response.writeHead(200, { etag: '"a"' }).end("new");
    else response.writeHead(304).end();
  });
  const asking = paths.get(path);
  await world.until(() => paths.asked(path).length === 2, "the origin is asked about it");
  assert.equal(condition(paths.asked(path).at(-1)), '"a"');
  await purge(path);
  gate.release();
  await asking;
  const next = await paths.get(path);
  assert.deepEqual([next.xCache, next.text], ["MISS", "new"]);
  assert.equal(condition(paths.asked(path).at(-1)), undefined);
});

test("the same where it is asked about behind a stale answer", async () => {
  const gate = held();
  const says = sameName();
  const path = paths.at("/eager/held", says.answer);
  await stored(path);
  await purge(path, { soft: true });
  paths.at(path, async (request, response) => {
    await gate.promise;
    if (condition(request) === undefined) response.writeHead(200, { etag: '"a"' }).end("new");
    else response.writeHead(304).end();
  });
  assert.equal((await paths.get(path)).xCache, "STALE");
  await world.until(() => paths.asked(path).length === 2, "asked about behind the answer");
  await purge(path);
  gate.release();
  await world.until(async () => (await paths.get(path)).text === "new", "the new one");
  for (let n = 0; n < 3; n += 1) assert.equal((await paths.get(path)).text, "new");
});

test("softly purged it is asked about, and lives again", async () => {
  const says = sameName();
  const path = paths.at("/saved/soft", says.answer);
  await stored(path);
  await purge(path, { soft: true });
  const answer = await paths.get(path);
  assert.deepEqual([answer.xCache, answer.text], ["REVALIDATED", "old"]);
  assert.equal(condition(paths.asked(path).at(-1)), '"a"');
  assert.equal((await paths.get(path)).xCache, "HIT");
});

test("what is purged at one place is not asked about at another", async () => {
  const says = sameName();
  const path = paths.at("/saved/places", says.answer);
  await stored(path);
  await world.until(async () => (await paths.get(path, {}, 1)).xCache === "HIT", "stored there too");
  says.text = "new";
  const before = paths.asked(path).length;
  await purge(path);
  await world.until(async () => (await paths.get(path, {}, 1)).text === "new", "the purge arrives");
  assert.deepEqual(paths.asked(path).slice(before).map(condition), [undefined]);
});

test("one that is purged at one place while another asks about it does not live on there", async () => {
  const gate = held();
  const says = sameName();
  const path = paths.at("/saved/elsewhere", says.answer);
  await stored(path);
  await world.until(async () => (await paths.get(path, {}, 1)).xCache === "HIT", "stored there too");
  await purge(path, { soft: true });
  paths.at(path, async (request, response) => {
    await gate.promise;
    return says.answer(request, response);
  });
  const before = paths.asked(path).length;
  let asking;
  await world.until(async () => {
    asking = paths.get(path, {}, 1);
    // A hit is back at once; who asks the origin is held.
    await Promise.race([asking, world.until(() => paths.asked(path).length > before, "")]);
    return paths.asked(path).length > before;
  }, "the soft purge arrives, and the origin is asked");
  assert.equal(condition(paths.asked(path).at(-1)), '"a"');
  await purge(path);
  says.text = "new";
  gate.release();
  await asking;
  await world.until(async () => (await paths.get(path, {}, 1)).text === "new", "the purge arrives");
  for (const place of [0, 1, 0, 1]) assert.equal((await paths.get(path, {}, place)).text, "new");
});

test("a GraphQL GET is never asked about", async () => {
  const query = encodeURIComponent("{ product { id } }");
  let version = 0;
  paths.at("/graphql", (_request, response) => {
    version += 1;
    response
      .writeHead(200, { "content-type": "application/json", etag: '"a"' })
      .end(JSON.stringify({ data: { product: { __typename: "Product", id: version } } }));
  });
  const path = `/graphql?query=${query}`;
  assert.equal((await paths.get(path)).xCache, "MISS");
  await world.admin("purge", { body: { all: true, soft: true } });
  assert.equal((await paths.get(path)).xCache, "STALE");
  await world.until(() => version > 1, "fetched again");
  assert.ok(paths.asked("/graphql").every((request) => condition(request) === undefined));
});
