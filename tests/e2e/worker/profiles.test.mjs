// Which Worker is built: a quick one to try and to test, never to deploy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isEnough, profileFor } from "../../../tools/profiles.mjs";

test("only wrangler dev is content with a quick build", () => {
  assert.equal(profileFor({ WRANGLER_COMMAND: "dev" }), "quick");
  for (const command of ["deploy", "versions upload", undefined])
    assert.equal(profileFor({ WRANGLER_COMMAND: command }), "release");
  assert.equal(profileFor({ WRANGLER_COMMAND: "deploy", EVERGRAPH_PROFILE: "quick" }), "quick");
});

test("a release build will do where a quick one is enough, and not the other way round", () => {
  const rows = [
    ["release now", "release", true],
    ["release now", "quick", true],
    ["quick now", "quick", true],
    ["quick now", "release", false],
    ["release before", "quick", false],
    ["now", "release", false],
    ["", "quick", false],
  ];
  for (const [last, profile, enough] of rows)
    assert.equal(isEnough(last, profile, "now"), enough, `${last}, ${profile}`);
});
