// The requests of an isolate share their reads of the purge log, and the isolates of a data center
// the snapshot of it.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startWorld } from "../lib/world.mjs";

const MAX_LAG = 2;
const config = {
  types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
  resources: [{ path: "/api/products/:id", tags: ["Product:{id}"] }],
  purge: { max_lag: MAX_LAG },
};
const PATH = "/api/products/1";

async function worldOf(options) {
  const world = await startWorld({ config, oneEdge: true, ...options });
  let version = 0;
  world.origin.answer = (request, response) => {
    if (request.method === "PUT") version += 1;
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ version }));
  };
  return world;
}

/** Asks until it is a hit in every place. */
async function stored(world, places = [0]) {
  for (const place of places)
    await world.until(async () => (await world.ask(PATH, {}, place)).xCache === "HIT", "it is stored");
}

/** How many reads of the log there were during `work`, and what that brought. */
async function readsOf(world, work) {
  const before = world.logReads();
  const brought = await work();
  return [world.logReads() - before, brought];
}

const hundred = (ask) => Promise.all(Array.from({ length: 100 }, ask));
const hits = (answers) => answers.filter(({ xCache }) => xCache === "HIT").length;

describe("one isolate", async () => {
  const world = await worldOf({ places: 1 });

  afterEach(() => {
    world.logMode = "ok";
  });

  test("a hundred requests to a cold isolate are one read, and hits", async () => {
    await stored(world);
    await world.restart();
    const [reads, answers] = await readsOf(world, () => hundred(() => world.ask(PATH)));
    assert.equal(reads, 1);
    assert.equal(hits(answers), 100);
  });

  test("a hundred requests after a pause are one read, and hits", async () => {
    await stored(world);
    await wait(MAX_LAG * 1_000 + 500);
    const [reads, answers] = await readsOf(world, () => hundred(() => world.ask(PATH)));
    assert.equal(reads, 1);
    assert.equal(hits(answers), 100);
  });

  test("a hundred requests with a number that nobody was given are two reads at most", async () => {
    await stored(world);
    const forged = { headers: { "evergraph-purge": "999" } };
    const [reads, answers] = await readsOf(world, () => hundred(() => world.ask(PATH, forged)));
    assert.ok(reads <= 2, `${reads} reads`);
    assert.equal(hits(answers), 100);
  });

  test("such requests one after the other are five reads a second at most", async () => {
    await stored(world);
    const forged = { headers: { "evergraph-purge": "999" } };
    const started = Date.now();
    const [reads] = await readsOf(world, () =>
      Promise.all(
        Array.from({ length: 10 }, async () => {
          for (let n = 0; n < 20; n += 1) await world.ask(PATH, forged);
        }),
      ),
    );
    assert.ok(reads <= 2 + (Date.now() - started) / 200, `${reads} reads`);
  });

  test("a hundred unauthenticated requests for health are two reads at most", async () => {
    const [reads, answers] = await readsOf(world, () =>
      hundred(() => world.admin("health", { token: null })),
    );
    assert.ok(reads <= 2, `${reads} reads`);
    assert.ok(answers.every(({ json }) => json.parts.purge_log.state === "HEALTHY"));
  });

  test("those who wait get their hits when the client of the first one leaves", async () => {
    await stored(world);
    await world.restart();
    world.logMode = "slow";
    const before = world.logReads();
    const leaver = new AbortController();
    const left = world.ask(PATH, { signal: leaver.signal }).catch(() => "left");
    await world.until(() => world.logReads() > before, "the log is being read");
    const others = hundred(() => world.ask(PATH));
    await wait(100);
    leaver.abort();
    assert.equal(await left, "left");
    assert.equal(hits(await others), 100);
    assert.equal(world.logReads() - before, 1);
  });

  test("a read that nobody waits for any more is aborted", async () => {
    world.logMode = "hang";
    const aborted = () => world.control.requests.filter(({ url }) => url === "/aborted").length;
    const before = aborted();
    await world.restart();
    await world.ask(PATH);
    await world.until(() => aborted() > before, "the call is aborted");
  });
});

describe("two isolates of a data center", async () => {
  const world = await worldOf({ places: 2 });
  const snapshots = () =>
    [...world.caches[0].entries.keys()].filter((key) => /\/test\/log\/snapshot\/\d+$/.test(key));

  afterEach(() => {
    world.logMode = "ok";
  });

  test("a client that shows its write waits for a read which began after it", async () => {
    for (let round = 0; round < 5; round += 1) {
      await stored(world, [0, 1]);
      // A read is under way in the other isolate, which began before the write.
      const forged = { headers: { "evergraph-purge": "999" } };
      const early = world.ask(PATH, forged, 1);
      const write = await world.ask(PATH, { method: "PUT" }, 0);
      const headers = { "evergraph-purge": write.headers.get("evergraph-purge") };
      const answers = await hundred(() => world.ask(PATH, { headers }, 1));
      for (const { json } of answers) assert.deepEqual(json, write.json);
      await early;
    }
  });

  test("a cold isolate takes the snapshot that a neighbour was told", async () => {
    await stored(world, [0, 1]);
    await world.until(() => snapshots().length === 1, "the snapshot is left");
    await world.restart();
    const [nothing, snapshot] = [world.logReads("nothing"), world.logReads("snapshot")];
    assert.equal((await world.ask(PATH, {}, 1)).xCache, "HIT");
    assert.deepEqual([world.logReads("nothing"), world.logReads("snapshot")], [nothing, snapshot + 1]);
  });

  test("what was purged since the snapshot is not served", async () => {
    await stored(world, [0, 1]);
    const write = await world.ask(PATH, { method: "PUT" }, 0);
    await world.restart();
    assert.deepEqual((await world.ask(PATH, {}, 1)).json, write.json);
    await stored(world, [1]);
  });

  for (const [what, spoil] of [
    ["damaged", (value) => value.with(value.length - 3, value.at(-3) ^ 1)],
    ["cut off", (value) => value.subarray(0, value.length - 1)],
    ["of another version", (value) => value.with(value.indexOf("EVL") + 3, 99)],
  ]) {
    test(`a snapshot that is ${what} is not used`, async () => {
      await stored(world, [0, 1]);
      const keys = snapshots();
      assert.equal(keys.length, 1);
      for (const key of keys)
        world.caches[0].entries.set(key, Buffer.from(spoil(world.caches[0].entries.get(key))));
      await world.restart();
      const before = world.logReads("nothing");
      assert.equal((await world.ask(PATH, {}, 1)).xCache, "HIT");
      assert.equal(world.logReads("nothing"), before + 1);
    });
  }

  test("the snapshot of another log does no harm", async () => {
    await stored(world, [0, 1]);
    // A log that began later, and so has a higher epoch.
    const other = await worldOf({ places: 1 });
    await stored(other);
    const key = snapshots()[0];
    const foreign = () =>
      other.caches[0].entries.get(
        [...other.caches[0].entries.keys()].find((one) => /\/log\/snapshot\/\d+$/.test(one)),
      );
    await other.until(() => foreign() !== undefined, "its snapshot is left");
    world.caches[0].entries.set(key, foreign());
    await world.restart();
    assert.equal((await world.ask(PATH, {}, 1)).xCache, "HIT", "nothing was purged for it");
    assert.equal(world.events("failure").filter(({ part }) => part === "purge-log-storage").length, 0);
  });

  test("a read by a neighbour ends a failure", async () => {
    await stored(world, [0, 1]);
    world.logMode = "error";
    await world.until(async () => (await world.ask(PATH, {}, 0)).xCache !== "HIT", "the log is needed");
    world.logMode = "ok";
    await stored(world, [0, 1]);
  });
});
