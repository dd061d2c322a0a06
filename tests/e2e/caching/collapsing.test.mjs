// Concurrent misses of one key: one of them asks the origin.

import assert from "node:assert/strict";
import { get } from "node:http";
import { beforeEach, test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    types: { product: { match: ["rest:/api/products/**", "graphql:Query.product"], ttl: 600 } },
    origin_timeout: { read_ms: 0 },
    rest: { authorization: "origin" },
  },
});

let version = 0;
const says = (response, headers = {}) => {
  response.writeHead(200, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ data: { product: { __typename: "Product", version } } }));
};
function graphqlJson(response, body, cacheControl = "max-age=60") {
  response.writeHead(200, { "content-type": "application/json", "cache-control": cacheControl });
  response.end(JSON.stringify(body));
}
let paths = 0;
const newPath = () => {
  paths += 1;
  return `/api/products/${paths}`;
};
const asked = (path) => world.origin.requests.filter(({ url }) => url === path).length;
const versionOf = (answer) => answer.json.data.product.version;

/** Holds back what the origin is asked for; returns what releases the next one, or all. */
function hold({ methods = ["GET", "POST"], headers = {} } = {}) {
  const held = [];
  world.origin.answer = (request, response) => {
    // The health route asks for `/`.
    if (methods.includes(request.method) && request.url !== "/") held.push({ version, response });
    else says(response, headers);
  };
  return {
    held,
    release(one = held.shift()) {
      const now = version;
      version = one.version;
      says(one.response, headers);
      version = now;
    },
  };
}

beforeEach(() => {
  version += 1;
  world.origin.answer = (_request, response) => says(response);
});

/** Asks so often at once, and waits until the origin was asked. */
async function crowd(ask, count, origin) {
  const before = origin.held.length;
  const answers = Array.from({ length: count }, () => ask());
  await world.until(() => origin.held.length > before, "the origin is asked");
  // All of them are in the worker by the time that another one was answered.
  await world.admin("health");
  return answers;
}

for (const [name, ask] of [
  ["REST", (path) => () => world.ask(path)],
  ["GraphQL", (path) => () => world.graphql(`{ product(path: "${path}") { __typename version } }`)],
]) {
  test(`${name}: one asks, the others wait and are hits`, async () => {
    const origin = hold();
    const answers = await crowd(ask(newPath()), 8, origin);
    assert.equal(origin.held.length, 1);
    origin.release();
    const got = await Promise.all(answers);
    assert.deepEqual(got.map((answer) => answer.xCache).sort(), [...Array(7).fill("HIT"), "MISS"]);
    assert.equal(new Set(got.map((answer) => answer.text)).size, 1);
    assert.equal(origin.held.length, 0);
  });
}

test("the others get their answer though the first client has left", async () => {
  const origin = hold();
  const path = newPath();
  const leaving = new AbortController();
  const first = world.ask(path, { signal: leaving.signal }).catch((error) => error.name);
  await world.until(() => origin.held.length === 1, "the first one asks");
  const others = Array.from({ length: 4 }, () => world.ask(path));
  await world.admin("health");
  leaving.abort();
  assert.equal(await first, "AbortError");
  await world.admin("health");
  origin.release();
  for (const answer of await Promise.all(others)) assert.equal(versionOf(answer), version);
  assert.equal(asked(path), 1);
});

test("what is not stored is not shared, and the next do not wait in line", async () => {
  const origin = hold({ headers: { "cache-control": "no-store" } });
  const path = newPath();
  const answers = await crowd(() => world.ask(path), 3, origin);
  assert.equal(origin.held.length, 1);
  origin.release();
  await world.until(() => origin.held.length === 2, "the others ask for themselves");
  while (origin.held.length > 0) origin.release();
  for (const answer of await Promise.all(answers)) assert.equal(answer.xCache, "MISS");
  const next = [world.ask(path), world.ask(path)];
  await world.until(() => origin.held.length === 2, "both ask at once");
  while (origin.held.length > 0) origin.release();
  await Promise.all(next);
  assert.equal(asked(path), 5);
});

for (const [name, answer] of [
  ["a refusal", (response) => response.writeHead(401, { "cache-control": "no-store" }).end("{}")],
  ["a failure", (response) => response.writeHead(500, { "set-cookie": "a=b" }).end("{}")],
  ["a broken answer", (response) => response.writeHead(200, { "content-length": 9 }).end("{}")],
  ["errors", (response) => graphqlJson(response, { data: null, errors: [{ message: "no" }] })],
  [
    "errors, not to be stored",
    (response) => graphqlJson(response, { errors: [{ message: "no" }] }, "no-store"),
  ],
]) {
  test(`after ${name} for a cold key the next requests wait for one another`, async () => {
    const path = newPath();
    const ask = name.startsWith("errors")
      ? () => world.graphql(`{ product(path: "${path}") { __typename version } }`)
      : () => world.ask(path).catch(() => null);
    world.origin.answer = (_request, response) => answer(response);
    assert.notEqual((await ask())?.xCache, "HIT");
    const origin = hold();
    const answers = await crowd(ask, 6, origin);
    assert.equal(origin.held.length, 1);
    origin.release();
    const got = (await Promise.all(answers)).map(({ xCache }) => xCache);
    assert.deepEqual(got.sort(), [...Array(5).fill("HIT"), "MISS"]);
  });
}

test("a request with a credential says nothing of those without", async () => {
  paths += 1;
  const path = `/pages/${paths}`;
  const headers = { "cache-control": "max-age=60" };
  world.origin.answer = (_request, response) => says(response, headers);
  const one = await world.ask(path, { headers: { authorization: "Bearer a" } });
  assert.match(one.cacheStatus, /detail=authorization$/);
  const origin = hold({ headers });
  const answers = await crowd(() => world.ask(path), 6, origin);
  assert.equal(origin.held.length, 1);
  origin.release();
  const got = (await Promise.all(answers)).map(({ xCache }) => xCache);
  assert.deepEqual(got.sort(), [...Array(5).fill("HIT"), "MISS"]);
});

test("once an answer was stored the next requests wait for one another again", async () => {
  const path = newPath();
  world.origin.answer = (_request, response) => says(response, { "cache-control": "no-store" });
  assert.match((await world.ask(path)).cacheStatus, /detail=no-store$/);
  world.origin.answer = (_request, response) => says(response);
  assert.equal((await world.ask(path)).xCache, "MISS");
  assert.equal((await world.ask(path)).xCache, "HIT");
  await world.admin("purge", { body: { paths: [path] } });
  const origin = hold();
  const answers = await crowd(() => world.ask(path), 4, origin);
  assert.equal(origin.held.length, 1);
  origin.release();
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
});

test("one that fails fails alone", async () => {
  const origin = hold();
  const path = newPath();
  const answers = await crowd(() => world.ask(path), 3, origin);
  origin.held.shift().response.writeHead(500).end("{}");
  await world.until(() => origin.held.length === 2, "the others ask for themselves");
  while (origin.held.length > 0) origin.release();
  const statuses = (await Promise.all(answers)).map((answer) => answer.status).sort();
  assert.deepEqual(statuses, [200, 200, 500]);
});

test("nobody is answered by a request that began before a purge", async () => {
  const origin = hold();
  const path = newPath();
  const first = world.ask(path);
  await world.until(() => origin.held.length === 1, "the first one asks");
  version += 1;
  assert.equal((await world.ask(path, { method: "PUT", body: "{}" })).status, 200);
  const second = world.ask(path);
  await world.admin("health");
  origin.release();
  assert.equal(versionOf(await first), version - 1);
  await world.until(() => origin.held.length === 1, "the second one asks for itself");
  origin.release();
  assert.equal(versionOf(await second), version);
  assert.equal(versionOf(await world.ask(path)), version, "and that is what is stored");
});

test("one that is never answered holds nobody for ever", async () => {
  const origin = hold();
  const path = newPath();
  const answers = await crowd(() => world.ask(path), 2, origin);
  const [never] = origin.held.splice(0);
  await world.until(() => origin.held.length > 0, "the other one asks for itself").catch(() => {});
  await world.until(() => origin.held.length > 0, "the other one asks for itself");
  origin.release();
  assert.equal(versionOf(await Promise.race(answers)), version);
  says(never.response);
  await Promise.all(answers);
});

test("a stale entry is fetched again by one isolate of a data centre, and the others have it from there", async () => {
  const near = await startWorld({
    places: 2,
    oneEdge: true,
    config: { types: { product: { match: ["rest:/api/products/**"], ttl: 2, swr: 600 } } },
  });
  const held = [];
  near.origin.answer = (_request, response) => says(response);
  // Under one name, as one isolate's answer is for another.
  const ask = (place) =>
    new Promise((resolve, reject) => {
      const options = { headers: { host: "api.example" } };
      get(near.url("/api/products/1", place), options, async (response) => {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ xCache: response.headers["x-cache"], json: JSON.parse(Buffer.concat(chunks)) });
      }).on("error", reject);
    });
  assert.equal((await ask(0)).xCache, "MISS");
  await near.until(async () => (await ask(1)).xCache === "HIT", "the other isolate has it");
  const before = near.origin.requests.length;
  near.origin.answer = (_request, response) => held.push(response);
  const isStale = (place) => async () => (await ask(place)).xCache === "STALE";
  await near.until(isStale(0), "it is stale");
  await near.until(() => held.length === 1, "one fetches it again");
  await near.until(isStale(1), "the other one has it too");
  for (let n = 0; n < 5; n += 1) for (const place of [0, 1]) await ask(place);
  assert.equal(near.origin.requests.length, before + 1);
  version += 1;
  says(held.shift());
  near.origin.answer = (_request, response) => says(response);
  for (const place of [0, 1]) {
    const isNew = async () => versionOf(await ask(place)) === version;
    await near.until(isNew, "each has what one of them fetched");
  }
});
