// Statistics across isolates: two data centers with isolates of their own share one statistics object.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Api } from "../lib/api.mjs";
import { startWorld } from "../lib/world.mjs";

const config = {
  types: {
    product: { match: ["graphql:Query.product"], ttl: 60 },
    files: { match: ["rest:/files/**"], ttl: 60 },
  },
  resources: [],
};
const PRODUCT = "query GetProduct($id: ID!) { product(id: $id) { id name } }";

const world = await startWorld({ config, places: 2, stats: true });
const api = new Api(world.origin);
const graphqlAnswer = world.origin.answer;
world.origin.answer = (request, response, body) => {
  if (!request.url.startsWith("/files")) return graphqlAnswer(request, response, body);
  const headers = { "content-type": "text/plain", "content-length": "5" };
  return response.writeHead(request.url.includes("broken") ? 500 : 200, headers).end("hello");
};

const stats = async (query = "", place = 0) => (await world.admin(`stats${query}`, { place })).json;
const product = (id, place = 0, headers = {}) =>
  world.graphql(PRODUCT, { variables: { id }, operationName: "GetProduct", place, headers });

test("the numbers of all isolates are summed up", async () => {
  assert.equal(api.batching, true);
  for (const place of [0, 1]) {
    for (let n = 0; n < 3; n += 1) await product("1", place);
    for (let n = 0; n < 2; n += 1) await world.ask("/files/a", {}, place);
    await product("2", place, { cookie: "sid=1" });
    await world.ask("/files/broken", {}, place);
  }
  // Each isolate reports what it has when it is asked.
  await stats("", 1);
  const all = await stats("?window=3600&by=operation");
  assert.equal(all.counted_by, "service");
  assert.equal(all.window, 3_600);
  assert.equal(all.total_requests, 14);
  assert.equal(all.hits + all.misses + all.bypass + all.errors, 14);
  assert.equal(all.errors, 2);
  assert.deepEqual(all.bypass_reasons, { "cookie-without-scope: sid": 2 });
  assert.equal(all.by_tier.memory + all.by_tier.edge + all.by_tier.kv, all.hits + all.stale);
  assert.equal(all.by_type.product.hits + all.by_type.product.misses, 6);
  const [row] = all.rows;
  assert.equal(row.name, "GetProduct");
  assert.deepEqual([row.hits + row.misses, row.bypass, row.total_requests], [6, 2, 8]);
  const times = [...all.latency.cached, ...all.latency.uncached];
  assert.equal(all.latency.cached.length, all.latency.bounds_ms.length + 1);
  assert.equal(
    times.reduce((sum, count) => sum + count),
    14,
  );
  assert.equal(
    all.series.reduce((sum, point) => sum + point.hits, 0),
    all.hits,
  );
  assert.ok(all.bytes.cached > 0 && all.bytes.uncached > 0);
  assert.ok(all.since <= all.until && all.until <= Date.now() + 5_000);
  assert.ok(all.entries.count >= 2 && all.entries.bytes > 0, JSON.stringify(all.entries));

  const byPath = (await stats("?window=3600&by=path")).rows;
  const files = byPath.find(({ name }) => name === "/files/a");
  assert.equal(files.hits + files.misses, 4);
  assert.ok(files.bytes >= 10);
  const byType = (await stats("?window=3600&by=type")).rows;
  const ofType = byType.find(({ name }) => name === "product");
  assert.deepEqual([ofType.hits + ofType.misses, ofType.bypass], [6, 2], "what passed through has a type");
  for (const one of [row, files, ofType]) {
    const { memory, edge, kv } = one.by_tier;
    assert.equal(memory + edge + kv, one.hits + one.stale);
    const counted = [...one.latency.cached, ...one.latency.uncached].reduce((sum, count) => sum + count);
    assert.equal(counted, one.total_requests);
    assert.ok(one.origin_ms_saved >= 0);
  }
  const names = async (sort) =>
    (await stats(`?window=3600&by=path&sort=${sort}`)).rows.map(({ name }) => name);
  assert.deepEqual(await names("traffic"), ["/files/a", "/files/broken"]);
  assert.equal((await names("misses"))[0], "/files/a");
  const byReason = (await stats("?window=60&by=reason")).rows;
  assert.equal(byReason.find(({ name }) => name.startsWith("cookie")).bypass, 2);
  assert.deepEqual(await stats("?window=3600&by=operation").then(({ hits }) => hits), all.hits);
});

test("purges are listed with their causes", async () => {
  const rename = 'mutation Rename { renameProduct(id: "1", name: "x") { id name } }';
  await world.graphql(rename, { place: 1 });
  await world.admin("purge", { body: { all: true }, place: 0 });
  await stats("", 1);
  const { purges, purges_by_source, purges_by_size, recent_purges } = await stats("?window=60");
  assert.equal(purges, 2);
  assert.deepEqual(purges_by_source, { admin: 1, mutation: 1 });
  assert.equal(purges_by_size.everything, 1);
  const [last, first] = recent_purges;
  assert.deepEqual([last.source, last.all, last.seq], ["admin", true, 2]);
  assert.deepEqual([first.source, first.cause, first.seq], ["mutation", "renameProduct", 1]);
});

for (const mode of ["error", "hang", "garbage", "lost-reply"]) {
  test(`requests are as always while the object has the fault "${mode}"`, async () => {
    const before = await stats();
    world.statsMode = mode;
    const answered = await Promise.all([product("3"), world.ask("/files/a"), product("3")]);
    assert.deepEqual(
      answered.map(({ status }) => status),
      [200, 200, 200],
    );
    const own = await stats();
    assert.equal(own.counted_by, "isolate");
    assert.ok(own.fault.length > 0);
    assert.equal(own.entries, null);
    world.statsMode = "ok";
    const after = await stats();
    assert.equal(after.counted_by, "service");
    assert.equal(after.total_requests, before.total_requests + 3, "nothing is lost or counted twice");
  });
}

test("an object that lost its storage counts on", async () => {
  world.statsName = "another";
  await product("1");
  const after = await stats();
  assert.deepEqual([after.counted_by, after.total_requests], ["service", 1]);
});

test("the example of the documentation has the members of a response", async () => {
  const page = readFileSync(new URL("../../../docs/statistics.md", import.meta.url), "utf8");
  const example = JSON.parse(page.match(/```json\n([^`]*"counted_by"[^`]*)```/)[1]);
  await world.graphql('mutation { renameProduct(id: "1", name: "y") { id name } }');
  const response = await stats("?window=60&by=operation");
  const members = (object) => Object.keys(object).sort();
  assert.deepEqual(members(example), members(response));
  for (const name of ["by_tier", "bytes", "latency", "purges_of_everything", "entries", "breakers"])
    assert.deepEqual(members(example[name]), members(response[name]), name);
  for (const name of ["rows", "series", "recent_purges"])
    assert.deepEqual(members(example[name][0]), members(response[name][0]), name);
  assert.deepEqual(example.latency.bounds_ms, response.latency.bounds_ms);
  const documented = [...page.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \|/gm)].flatMap(([, names]) =>
    names.split(", ").map((name) => name.slice(1, -1)),
  );
  const mentioned = [...page.matchAll(/`(purges_by_[a-z]+)`/g)].map(([, name]) => name);
  for (const name of members(response))
    assert.ok([...documented, ...mentioned, "window"].includes(name), `${name} in the table`);
});

test("the cron trigger reports, and writes a data point", async () => {
  const entry = `
    import worker, { PurgeLog, Statistics } from "./index.js";
    export { PurgeLog, Statistics };
    const ANALYTICS = { writeDataPoint: (point) => console.log(JSON.stringify({ event: "point", point })) };
    export default {
      async fetch(request, env, context) {
        const bound = { ...env, ANALYTICS };
        if (new URL(request.url).pathname !== "/cron") return worker.fetch(request, bound, context);
        await worker.scheduled(null, bound, context);
        return new Response("done");
      },
    };`;
  const own = await startWorld({ config, places: 2, stats: true, entry });
  new Api(own.origin);
  for (const place of [0, 1])
    for (let n = 0; n < 3; n += 1)
      await own.graphql(PRODUCT, { variables: { id: "1" }, operationName: "GetProduct", place });
  for (const place of [0, 1]) await own.ask("/cron", {}, place);
  await own.ask("/cron");
  const points = own.events("point").map(({ point }) => point);
  assert.deepEqual(
    points.map(({ indexes, blobs, doubles }) => [indexes, blobs, doubles[0] + doubles[3], doubles.length]),
    [1, 2].map(() => [["test"], ["test"], 3, 14]),
  );
  own.statsMode = "error";
  await own.graphql(PRODUCT, { variables: { id: "1" }, operationName: "GetProduct" });
  await own.ask("/cron");
  own.statsMode = "ok";
  const { counted_by, total_requests } = (await own.admin("stats")).json;
  assert.deepEqual([counted_by, total_requests], ["service", 7]);
  assert.equal(own.events("point").length, 3, "a report that is repeated is no new data point");
});

test("wrong parameters are refused", async () => {
  for (const [query, path] of [
    ["?window=0", "window"],
    ["?window=2592001", "window"],
    ["?window=1e3", "window"],
    ["?by=types", "by"],
    ["?by=type&sort=size", "sort"],
  ]) {
    const response = await world.admin(`stats${query}`);
    assert.deepEqual([response.status, response.json.path], [400, path]);
  }
});
