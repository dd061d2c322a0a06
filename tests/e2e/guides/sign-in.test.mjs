// docs/guides/README.md, "Signing in".

import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationOf } from "../lib/guides.mjs";
import { startWorld } from "../lib/world.mjs";

const PRODUCT = "{ product(id: 1) { __typename id name } }";

test("a sign-in purges nothing with the rule of the guides, and everything without it", async () => {
  const rules = configurationOf("README.md");
  for (const [config, expected] of [
    [rules, "HIT"],
    [{}, "MISS"],
  ]) {
    const world = await startWorld({ config });
    world.origin.answer = (_request, response, body) => {
      response.setHeader("content-type", "application/json");
      const data = JSON.parse(body).query.includes("login")
        ? { login: { token: "t" } }
        : { product: { __typename: "Product", id: "1", name: "Chair" } };
      response.end(JSON.stringify({ data }));
    };
    for (const seen of ["MISS", "HIT"]) assert.equal((await world.graphql(PRODUCT)).xCache, seen);
    await world.graphql('mutation { login(name: "a", password: "b") { token } }');
    assert.equal((await world.graphql(PRODUCT)).xCache, expected);
  }
});
