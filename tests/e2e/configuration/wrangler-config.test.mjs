// What `npm run build` and `npm run deploy` refuse in wrangler.toml, in addition to a faulty configuration.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { root } from "../../../tools/processes.mjs";
import { workersCacheKeys } from "../../../tools/wrangler-config.mjs";

const keys = (toml) => workersCacheKeys(parse(toml));

test("Workers Cache is not turned on before the Worker", () => {
  assert.deepEqual(keys("[cache]\nenabled = true"), ["cache.enabled"]);
  assert.deepEqual(keys("[env.staging.cache]\nenabled = true"), ["env.staging.cache.enabled"]);
  assert.deepEqual(keys("[exports.default.cache]\nenabled = true"), ["exports.default.cache.enabled"]);
});

test("it may be on for other entry points, and off", () => {
  assert.deepEqual(keys("[cache]\nenabled = false"), []);
  assert.deepEqual(keys("[cache]\nenabled = true\n[exports.default.cache]\nenabled = false"), []);
  assert.deepEqual(keys("[exports.Other.cache]\nenabled = true"), []);
  assert.deepEqual(keys(readFileSync(join(root, "wrangler.toml"), "utf8")), []);
});
