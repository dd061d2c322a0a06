// Isolates of one data center share what they read of the purge log.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const MAX_LAG = 6;
const world = await startWorld({
  places: 2,
  oneEdge: true,
  config: {
    types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
    purge: { max_lag: MAX_LAG },
  },
});
const { entries } = world.caches[0];
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end("{}");

const shared = () => [...entries.keys()].filter((key) => /\/test\/log\/\d+\/[0-9a-f]{16}$/.test(key));
const logMessages = () => world.control.requests.length;

let paths = 0;
/** An entry that both isolates have in memory. Each has asked the log itself, and not only first. */
async function storedInBoth() {
  for (const place of [0, 1, 0, 1]) await world.admin("health", { place });
  paths += 1;
  const path = `/api/products/${paths}`;
  for (const place of [0, 1]) {
    await world.ask(path, {}, place);
    await world.until(async () => (await world.ask(path, {}, place)).xCache === "HIT", "it is stored");
  }
  return path;
}

/** The first isolate purges, and reads the log once more some time later. */
async function purgeAndRead(path) {
  assert.equal((await world.admin("purge", { body: { paths: [path] } })).status, 200);
  const before = shared().map((key) => entries.get(key));
  const isShared = async () => {
    await world.ask("/api/products/other");
    const now = shared().map((key) => entries.get(key));
    return before.length > 0 && !before.some((value) => now.includes(value));
  };
  await world.until(isShared, "the first isolate has read the log");
}

/** What an isolate says once it does not serve the entry any more. */
async function endOfHits(path, place) {
  let answer;
  const ends = async () => {
    answer = await world.ask(path, {}, place);
    return answer.xCache !== "HIT";
  };
  await world.until(ends, "it is not served any more");
  return answer.cacheStatus;
}

afterEach(() => {
  world.logMode = "ok";
});

test("an isolate learns of a purge by what another one has read, without the log", async () => {
  const path = await storedInBoth();
  await purgeAndRead(path);
  world.logMode = "error";
  assert.match(await endOfHits(path, 1), /detail=purged$/);
});

for (const [what, spoil] of [
  // A byte of the last tag, which nothing but the checksum tells from a right one.
  ["damaged", (value) => value.with(value.length - 3, value.at(-3) ^ 1)],
  ["cut off", (value) => value.subarray(0, value.length - 1)],
  ["of another version", (value) => value.with(value.indexOf("EVL") + 3, 99)],
]) {
  test(`what is ${what} is not believed, and the log is asked`, async () => {
    const path = await storedInBoth();
    await purgeAndRead(path);
    for (const key of shared()) entries.set(key, Buffer.from(spoil(entries.get(key))));
    const asked = logMessages();
    assert.match(await endOfHits(path, 1), /detail=purged$/);
    assert.ok(logMessages() > asked);
  });
}

test("an isolate that has not asked the log itself believes nobody", async () => {
  const path = await storedInBoth();
  world.logMode = "error";
  await world.restart();
  assert.match((await world.ask(path, {}, 1)).cacheStatus, /detail=log-unreadable$/);
});
