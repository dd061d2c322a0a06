// Versions that meet: what isolates and the purge log of an earlier version say, and what they have
// stored.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { root } from "../../../tools/processes.mjs";
import { startWorld } from "../lib/world.mjs";

const MAX_LAG = 1;
const fixture = (name) => readFileSync(join(root, "tests/fixtures", name), "utf8");

/** A log whose clock and chance are those of the fixtures. */
const entry = `
import worker, { PurgeLog as Log } from "./index.js";

export class PurgeLog extends Log {
  async fetch(request) {
    if (!request.url.endsWith("/test-exchange")) return super.fetch(request);
    const { now } = Date;
    const { random } = Math;
    Date.now = () => 1_800_000_000_000;
    Math.random = () => 0.25;
    const answer = await super.fetch(request);
    Date.now = now;
    Math.random = random;
    return answer;
  }
}

export default {
  async fetch(request, env, context) {
    if (request.url.endsWith("/the-cron-trigger")) {
      await worker.scheduled({}, env, context);
      return new Response("done");
    }
    if (!request.url.endsWith("/test-exchange")) return worker.fetch(request, env, context);
    return env.PURGE_LOG.get(env.PURGE_LOG.idFromName("test")).fetch(request);
  },
};
`;

const startShop = () =>
  startWorld({
    places: 2,
    entry,
    config: {
      types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
      purge: { max_lag: MAX_LAG },
    },
  });
const world = await startShop();
let version = 0;
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ version }));

const askedIn = () =>
  world.control.requests
    .map(({ url }) => /^\/asked-in-version\/(\d+)$/.exec(url)?.[1])
    .filter((asked) => asked !== undefined)
    .map(Number);
const failures = () => world.events("failure").filter(({ part }) => part.startsWith("purge-log"));

let paths = 0;
/** An entry in both places, each of which serves it. */
async function storedEverywhere() {
  paths += 1;
  const path = `/api/products/${paths}`;
  for (const place of [0, 1]) {
    await world.ask(path, {}, place);
    await world.until(async () => (await world.ask(path, {}, place)).xCache === "HIT", "it is stored");
  }
  return path;
}

/** A write through the first place; afterwards both serve what it wrote, and then as hits. */
async function writeIsSeen(path) {
  version += 1;
  const write = await world.ask(path, { method: "PUT", body: "{}" });
  assert.ok(write.headers.get("evergraph-purge"), "the purge is recorded");
  for (const place of [0, 1]) {
    const isNew = async () => (await world.ask(path, {}, place)).json.version === version;
    await world.until(isNew, "the new version is served");
    await world.until(async () => (await world.ask(path, {}, place)).xCache === "HIT", "and stored");
    assert.deepEqual((await world.ask(path, {}, place)).json, { version });
  }
}

afterEach(() => {
  world.logMode = "ok";
  world.control.requests.length = 0;
});

for (const earlier of [3, 4]) {
  test(`a new log answers version ${earlier} byte for byte as one of that version did`, async () => {
    const other = await startShop();
    const exchanged = fixture(`log-version-${earlier}.txt`)
      .split("\n")
      .filter((line) => line && !line.startsWith("#"))
      .map((line) => line.split(" ").map((hex) => Buffer.from(hex, "hex")));
    assert.ok(exchanged.length > 5);
    for (const [question, answer] of exchanged) {
      const response = await fetch(other.url("/test-exchange"), { method: "POST", body: question });
      assert.equal(Buffer.from(await response.arrayBuffer()).toString("hex"), answer.toString("hex"));
    }
  });
}

test("a log says which part of a question it cannot read", async () => {
  const [question] = fixture("log-version-3.txt").split("\n")[2].split(" ");
  const ask = async (change) => {
    const body = Buffer.from(question, "hex");
    change(body);
    const response = await fetch(world.url("/test-exchange"), { method: "POST", body });
    return [response.status, await response.text()];
  };
  const later = (body) => {
    body[3] = 99;
  };
  const damaged = (body) => {
    body[body.length - 1] ^= 1;
  };
  assert.deepEqual(await ask(later), [400, "version"]);
  assert.deepEqual(await ask(damaged), [400, "checksum"]);
});

test("isolates ask a log that reads only the previous version in that version", async () => {
  // Each has asked a log of its own version before.
  const warm = await storedEverywhere();
  world.logMode = "reads-only-4";
  await writeIsSeen(warm);
  await writeIsSeen(await storedEverywhere());
  assert.deepEqual(failures(), []);
  const [refused, read] = [5, 4].map((asked) => askedIn().filter((one) => one === asked).length);
  // They remember it for some seconds.
  assert.ok(refused >= 2 && refused <= 6, `refused ${refused} times`);
  assert.ok(read > refused, `read ${read} times`);
});

test("isolates that start in front of such a log have their hits", async () => {
  world.logMode = "reads-only-4";
  await world.restart();
  await writeIsSeen(await storedEverywhere());
  assert.deepEqual(failures(), []);
});

test("such a log refuses a pause, and does not take it for nothing", async () => {
  world.logMode = "reads-only-4";
  const refused = await world.admin("pause", { body: {} });
  assert.equal(refused.status, 503);
  world.logMode = "ok";
  const path = await storedEverywhere();
  assert.equal((await world.ask(path)).xCache, "HIT");
});

test("a log that reads neither version fails, and nothing old is served", async () => {
  const path = await storedEverywhere();
  world.logMode = "reads-only-99";
  version += 1;
  const ends = async () => (await world.ask(path)).json.version === version;
  await world.until(ends, "no hit is served");
  assert.ok(failures().length > 0);
  world.logMode = "ok";
  const again = async () => (await world.ask(path)).xCache === "HIT";
  await world.until(again, "hits are back");
});

const stores = () => [world.kv, ...world.caches].map(({ entries }) => entries);
/** The version of an entry in a store. */
const versionOf = (entries, path) => {
  const name = path.slice(1).replaceAll("/", "~");
  const [, value] = [...entries].find(([key]) => key.includes(`/${name}/`)) ?? [];
  return value?.[value.indexOf("EVG") + 3];
};

test("entries of the version before are misses, and are replaced", async () => {
  const path = await storedEverywhere();
  const isStored = () => stores().every((entries) => versionOf(entries, path) !== undefined);
  await world.until(isStored, "it is in every store");
  const current = versionOf(world.kv.entries, path);
  // Nothing is being written any more.
  await world.restart();
  for (const entries of stores())
    for (const value of entries.values()) {
      const at = value.indexOf("EVG");
      if (at >= 0) value[at + 3] = current - 1;
    }
  for (const place of [0, 1]) assert.equal((await world.ask(path, {}, place)).xCache, "MISS");
  for (const place of [0, 1])
    await world.until(async () => (await world.ask(path, {}, place)).xCache === "HIT", "it is stored");
  // What is stored in its place outlives the isolates.
  const isReplaced = () => world.caches.every(({ entries }) => versionOf(entries, path) === current);
  await world.until(isReplaced, "it is replaced");
  await world.restart();
  assert.equal((await world.ask(path)).xCache, "HIT");
});

test("a purge that the version before has left in the outbox is recorded, and stays there", async () => {
  const path = "/api/products/3";
  version += 1;
  for (const place of [0, 1]) {
    await world.ask(path, {}, place);
    await world.until(async () => (await world.ask(path, {}, place)).xCache === "HIT", "it is stored");
  }
  // It purges `path:/api/products/3`.
  const key = "outbox/test/1800000000000-45271f8cf6f1822a";
  world.kv.entries.set(key, Buffer.from(fixture("outbox-version-2.txt").trim(), "hex"));
  version += 1;
  assert.equal((await world.ask("/the-cron-trigger")).text, "done");
  // Another log may share the namespace, and it may be for that one.
  assert.ok(world.kv.entries.has(key));
  const isNew = async () => (await world.ask(path, {}, 1)).json.version === version;
  await world.until(isNew, "the other place knows of the purge");
});
