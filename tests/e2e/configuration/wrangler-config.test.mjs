// What the build refuses in wrangler's file, what it warns about, and its summary.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { root } from "../../../tools/processes.mjs";
import {
  bindingFaults,
  environmentFaults,
  refusals,
  summary,
  VARIABLE_BYTES,
  warnings,
  workersCacheKeys,
} from "../../../tools/wrangler-config.mjs";

const keys = (toml) => workersCacheKeys(parse(toml));

test("Workers Cache is not turned on before the Worker", () => {
  assert.deepEqual(keys("[cache]\nenabled = true"), ["cache.enabled"]);
  assert.deepEqual(keys("[env.staging.cache]\nenabled = true"), ["env.staging.cache.enabled"]);
  assert.deepEqual(keys("[exports.default.cache]\nenabled = true"), ["exports.default.cache.enabled"]);
  assert.match(refusals(parse("[cache]\nenabled = true"))[0], /^cache\.enabled: turn it off/);
});

test("it may be on for other entry points, and off", () => {
  assert.deepEqual(keys("[cache]\nenabled = false"), []);
  assert.deepEqual(keys("[cache]\nenabled = true\n[exports.default.cache]\nenabled = false"), []);
  assert.deepEqual(keys("[exports.Other.cache]\nenabled = true"), []);
});

test("a binding EVERGRAPH has at most what Cloudflare allows a variable, in every environment", () => {
  const value = (bytes) => ({ service: "s".repeat(bytes - '{"service":""}'.length) });
  const faults = (config) => bindingFaults(config).map((fault) => fault.split(" ").slice(0, 3).join(" "));
  assert.deepEqual(faults({ vars: { EVERGRAPH: value(VARIABLE_BYTES) } }), []);
  const large = { vars: { EVERGRAPH: value(VARIABLE_BYTES + 1) } };
  assert.deepEqual(faults(large), ["vars.EVERGRAPH has 5121"]);
  assert.match(bindingFaults(large)[0], /Move its keys to evergraph\.toml/);
  assert.deepEqual(faults({ env: { staging: large } }), ["env.staging.vars.EVERGRAPH has 5121"]);
  // Text that contains JSON is measured as it is.
  assert.deepEqual(faults({ vars: { EVERGRAPH: JSON.stringify("é".repeat(2_600)) } }), [
    "vars.EVERGRAPH has 5202",
  ]);
  assert.deepEqual(bindingFaults({ vars: { EVERGRAPH: "service = 1" } }), [
    "vars.EVERGRAPH is text that is not JSON.",
  ]);
});

const complete = {
  name: "evergraph",
  durable_objects: { bindings: [{ name: "PURGE_LOG", class_name: "PurgeLog" }] },
  kv_namespaces: [{ binding: "CACHE_KV" }],
};
const configuration = { service: "shop", origin: "https://api.example" };
const warned = (wrangler, more = {}) => warnings({ wrangler, configuration, ...more });

test("a complete file is no reason for a warning", () => {
  assert.deepEqual(warned(complete), []);
  const routed = { ...complete, routes: [{ pattern: "api.example/*", zone_name: "example" }] };
  assert.deepEqual(warned(routed, { configuration: {} }), []);
  assert.deepEqual(warned({ ...complete, routes: [{ pattern: "a.example", custom_domain: true }] }), []);
});

test("missing and placeholder bindings", () => {
  assert.match(warned({ ...complete, durable_objects: undefined })[0], /^PURGE_LOG: .* nothing is served/);
  const zero = { ...complete, kv_namespaces: [{ binding: "CACHE_KV", id: "0".repeat(32) }] };
  assert.match(warned(zero)[0], /^CACHE_KV: the id is a placeholder/);
});

test("an origin that only this machine can reach", () => {
  for (const host of ["127.0.0.1:4000", "localhost", "[::1]:1", "0.0.0.0:80", "api.localhost", "127.1.2.3"]) {
    const found = warned(complete, { configuration: { origin: `http://${host}` } });
    assert.match(found[0] ?? host, /^origin: .* Cloudflare cannot reach/);
  }
  for (const host of ["localhost.example", "10.0.0.1", "api.example"]) {
    assert.deepEqual(warned(complete, { configuration: { origin: `http://${host}` } }), []);
  }
  assert.match(warned(complete, { configuration: {} })[0], /^no origin and no route/);
});

test("environments do not inherit bindings", () => {
  const bare = { ...complete, env: { staging: { vars: { A: "1" } } } };
  const staging =
    /^env\.staging does not inherit bindings.*durable_objects \(PURGE_LOG\), kv_namespaces \(CACHE_KV\)/;
  assert.match(warned(bare)[0], staging);
  const deployed = warned(bare, { environment: "staging" });
  assert.match(deployed[0], /^PURGE_LOG/);
  assert.match(deployed[1], /^this environment does not inherit/);
  const { durable_objects, kv_namespaces } = complete;
  assert.deepEqual(warned({ ...complete, env: { staging: { durable_objects, kv_namespaces } } }), []);
});

test("environments inherit routes", () => {
  const { durable_objects, kv_namespaces } = complete;
  const bound = { durable_objects, kv_namespaces };
  const routed = (staging) => ({
    ...complete,
    routes: ["api.example/*"],
    env: { staging: { ...bound, ...staging } },
  });
  assert.match(warned(routed({}))[0], /^routes: env\.staging inherits api\.example\/\*.*takes the traffic/);
  const deployed = warned(routed({}), { environment: "staging" });
  assert.match(deployed[0], /^routes: this environment inherits/);
  assert.deepEqual(warned(routed({ routes: [] })), []);
  assert.deepEqual(warned(routed({ route: "staging.example/*" })), []);
  assert.deepEqual(warned({ ...complete, env: { staging: bound } }), []);
});

test("an environment that is not in the file is refused, with what to add", () => {
  assert.deepEqual(environmentFaults(complete, undefined), []);
  assert.deepEqual(environmentFaults({ ...complete, env: { a: {} } }, "a"), []);
  const [alone] = environmentFaults(complete, "staging");
  assert.match(alone, /^no \[env\.staging\]\. It has no environments\./);
  assert.match(alone, /under \[env\.staging\]: durable_objects \(PURGE_LOG\), kv_namespaces \(CACHE_KV\)/);
  assert.match(environmentFaults({ ...complete, env: { a: {}, b: {} } }, "nope")[0], /It has: a, b\./);
});

test("placement, also where an environment inherits it", () => {
  assert.match(warned({ ...complete, placement: { mode: "smart" } })[0], /^placement: it moves/);
  const { durable_objects, kv_namespaces } = complete;
  const inherits = {
    ...complete,
    placement: { mode: "smart" },
    env: { a: { durable_objects, kv_namespaces } },
  };
  assert.match(warned(inherits, { environment: "a" })[0], /^placement: it moves/);
  assert.equal(warned({ ...complete, placement: { region: "aws:us-east-1" } }).length, 1);
  inherits.env.a.placement = { mode: "off" };
  assert.deepEqual(warned(inherits, { environment: "a" }), []);
});

test("routes that do not lead to the admin routes", () => {
  const routes = (...patterns) => warned({ ...complete, routes: patterns });
  assert.match(routes("api.example/graphql*")[0], /no pattern covers api\.example\/__evergraph/);
  assert.deepEqual(routes("api.example/graphql*", "api.example/__evergraph/*"), []);
  assert.deepEqual(routes("https://api.example/*"), []);
  assert.deepEqual(routes("*api.example/*"), []);
  assert.equal(routes("a.example/*", "b.example/api/*").length, 1);
});

test("the summary names what will be deployed", () => {
  const lines = summary({
    wrangler: { ...complete, routes: ["api.example/*"], env: { staging: complete } },
    environment: "staging",
    configuration: {
      ...configuration,
      types: { a: {}, b: {} },
      resources: [{}],
      mutations: { rules: { x: [] } },
    },
    files: ["evergraph.toml", "evergraph.staging.toml"],
  }).join("\n");
  for (const part of [
    "(environment staging)",
    "shop",
    "evergraph.toml, evergraph.staging.toml",
    "https://api.example",
    "api.example/*",
    "2 cache types, 0 scopes, 1 resource, 1 mutation rule",
    "PURGE_LOG, CACHE_KV",
  ]) {
    assert.ok(lines.includes(part), `${part} in\n${lines}`);
  }
});

test("the demo's file is complete", () => {
  const wrangler = parse(readFileSync(join(root, "wrangler.toml"), "utf8"));
  assert.deepEqual(refusals(wrangler), []);
});
