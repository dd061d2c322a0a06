// Where the Worker's configuration comes from: the module that the build wrote, unless a binding replaces it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const caching = (path, ttl) => ({ types: { a: { match: [`rest:${path}`], ttl } } });

/** What the second of two equal requests says. */
async function second(world, path) {
  world.origin.answer = (_request, response) => response.end("{}");
  await world.ask(path);
  return (await world.ask(path)).cacheStatus;
}

test("the module that the build wrote, and a change of it alone", async () => {
  const world = await startWorld({ config: null, built: caching("/a", 60) });
  assert.match(await second(world, "/a"), /hit; ttl=60/);
  await world.rebuilt(caching("/a", 0));
  assert.match(await second(world, "/a"), /detail=ttl-zero/);
});

test("a binding replaces the module completely", async () => {
  const world = await startWorld({ config: caching("/a", 60), built: caching("/b", 60) });
  assert.match(await second(world, "/a"), /hit; ttl=60/);
  assert.doesNotMatch(await second(world, "/b"), /hit/);
});

test("so does a binding that is text", async () => {
  const text = JSON.stringify({ service: "text", origin: "http://127.0.0.1:9" });
  const world = await startWorld({
    config: null,
    built: { service: "module" },
    secrets: { EVERGRAPH: text },
  });
  assert.equal((await world.admin("health")).json.service, "text");
});

test("a faulty binding is not replaced by a valid module", async () => {
  for (const text of ["{}}", '{"ttl":1}']) {
    const world = await startWorld({ config: null, built: caching("/a", 60), secrets: { EVERGRAPH: text } });
    assert.equal((await world.admin("health")).status, 503, text);
  }
});

test("a faulty module is a faulty configuration", async () => {
  const world = await startWorld({ config: null, built: { ttl: 1 } });
  assert.match(await second(world, "/a"), /detail=config-error/);
});
