// Requests to the origin: nothing may answer them in its place, and nothing is added to them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, RawOrigin, say } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const JSON_TYPE = { "content-type": "application/json" };
const config = { types: { api: { match: ["rest:/p/**"], ttl: 600 } } };

/** The lines of a request's head, sorted. */
const linesOf = (text) =>
  text
    .split("\r\n\r\n")[0]
    .split("\r\n")
    .slice(1)
    .map((line) => line.toLowerCase())
    .sort();

test("the origin receives what the client sends, and who it asked for", async (t) => {
  const origin = await new RawOrigin().listen();
  t.after(() => origin.close());
  const world = await startWorld({ config, originUrl: origin.url });
  const host = new URL(world.url()).host;
  const forwarded = [
    `host: ${new URL(origin.url).host}`,
    `x-forwarded-host: ${host}`,
    "x-forwarded-proto: http",
  ];
  for (const [method, path, sent, more = []] of [
    ["GET", "/p/1", []],
    ["GET", "/p/2", ["cache-control: max-age=5", "pragma: own"]],
    ["HEAD", "/p/3", []],
    ["GET", "/graphql?query=%7Ba%7D", []],
    ["PUT", "/p/4", ["content-length: 0"]],
    ["DELETE", "/p/5", [], ["content-length: 0"]],
    ["OPTIONS", "/p/6", [], ["content-length: 0"]],
  ]) {
    const url = path.split("?")[0];
    origin.at(path, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    const head = [`${method} ${path} HTTP/1.1`, `host: ${host}`, "connection: close", ...sent];
    await say(world.url(), `${head.join("\r\n")}\r\n\r\n`);
    const asked = origin.requests.filter((request) => request.url.startsWith(url)).at(-1);
    const received = linesOf(asked.text).filter((line) => !more.includes(line));
    // What Evergraph asks for in an encoding that it can store.
    const own = received.filter((line) => !line.startsWith("accept-encoding:"));
    assert.deepEqual(own, [...forwarded, ...sent].sort(), `${method} ${path}`);
  }
});

test("the zone's cache is told to neither look up nor store", async () => {
  const world = await startWorld({ config, cfBlobHeader: "cf-blob" });
  world.origin.says(200, JSON_TYPE, '{"data":{}}');
  const post = (query) => ({ method: "POST", headers: JSON_TYPE, body: JSON.stringify({ query }) });
  for (const [path, init] of [
    ["/p/1", {}],
    ["/p/1", { method: "PUT", body: "{}" }],
    ["/graphql", post("{ a }")],
    ["/graphql", post("mutation { a }")],
    ["/p/2", { headers: { connection: "upgrade", upgrade: "other" } }],
  ]) {
    const before = world.origin.requests.length;
    await ask(world.url(path), init);
    assert.ok(world.origin.requests.length > before, path);
  }
  const blobs = world.origin.requests.map(({ headers }) => headers["cf-blob"]);
  for (const blob of blobs) {
    const { cacheLevel, cacheTtl } = JSON.parse(blob);
    assert.deepEqual({ cacheLevel, cacheTtl }, { cacheLevel: "bypass", cacheTtl: -1 });
  }
});
