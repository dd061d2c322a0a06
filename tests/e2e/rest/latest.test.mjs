// The latest answer counts (RFC 9111 §4): neither an older one that would live longer, nor an earlier one
// that came later, takes its place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { held, open, Paths } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({ config: { origin_timeout: { read_ms: 0 } } });
const paths = new Paths(world);
const TEXT = { "content-type": "text/plain" };
const RELOAD = { "cache-control": "no-cache" };

test("what is to be validated goes before what would live longer", async () => {
  const path = paths.add(200, { ...TEXT, "cache-control": "max-age=600", etag: '"a"' }, "old");
  await paths.get(path);
  await world.until(() => world.kv.entries.size > 0, "it is in KV");
  paths.at(path, 200, { ...TEXT, "cache-control": "max-age=0", etag: '"b"' }, "new");
  assert.deepEqual((await paths.get(path, RELOAD)).text, "new");
  for (let time = 0; time < 2; time += 1) {
    const answer = await paths.get(path);
    assert.deepEqual([answer.text, answer.xCache], ["new", "MISS"]);
  }
  assert.equal(paths.asked(path).at(-1).headers["if-none-match"], '"b"');
});

test("what a HEAD shows to be another answer's goes before the copies of the stores", async () => {
  const path = paths.add(200, { ...TEXT, "cache-control": "max-age=600", etag: '"a"' }, "old");
  const written = world.kv.writes;
  await paths.get(path);
  await world.until(() => world.kv.writes > written, "it is in KV");
  // Neither store takes the place of what it has.
  world.kv.mode = world.caches[0].mode = "lose";
  paths.at(path, 200, { ...TEXT, "cache-control": "max-age=600", etag: '"b"' }, "new");
  await paths.send("HEAD", path, { headers: RELOAD });
  const answer = await paths.get(path);
  world.kv.mode = world.caches[0].mode = "ok";
  assert.deepEqual([answer.text, answer.xCache], ["new", "MISS"]);
});

test("an answer that was asked for earlier and came later does not take the latest one's place", async () => {
  const fresh = { ...TEXT, "cache-control": "max-age=600" };
  const gate = held();
  const path = paths.add(async (request, response) => {
    response.writeHead(200, fresh);
    if (request.headers["cache-control"] === "no-cache") return response.end("later");
    response.write("ear");
    await gate.promise;
    response.end("lier");
  });
  const slow = await open(world.url(path));
  assert.equal((await slow.next()).toString(), "ear");
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await paths.get(path, RELOAD)).text, "later");
  await world.until(async () => (await paths.get(path)).xCache === "HIT", "the later one is stored");
  gate.release();
  assert.equal((await slow.rest()).bytes.toString(), "lier");
  for (let time = 0; time < 3; time += 1) assert.equal((await paths.get(path)).text, "later");
});
