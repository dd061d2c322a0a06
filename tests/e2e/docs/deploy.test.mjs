// The examples of docs/deploy.md, run as they are written.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { root } from "../../../tools/processes.mjs";
import { startWorld } from "../lib/world.mjs";

const page = readFileSync(join(root, "docs/deploy.md"), "utf8");

/** The configurations in a section of the page. */
function examplesIn(heading) {
  const [, section] = page.split(`\n## ${heading}\n`);
  const [text] = section.split("\n## ");
  return [...text.matchAll(/^( *)```toml\n([\s\S]*?)^ *```/gm)].map(([, , toml]) => parse(toml));
}

/** A world whose origin shows a draft to editors, who have the cookie `preview=secret`. */
async function worldOfPages(config) {
  const world = await startWorld({ config });
  world.origin.answer = ({ headers }, response) => {
    const title = headers.cookie?.includes("preview=secret") ? "Draft" : "Published";
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ data: { page: { __typename: "Page", id: "1", title } } }));
  };
  const read = async (headers) => {
    const { xCache, json } = await world.graphql("{ page { __typename id title } }", { headers });
    return [xCache, json.data.page.title];
  };
  return read;
}

const editor = { cookie: "sid=7; preview=secret" };

test("a preview by cookie is never shown to others, whoever reads first", async () => {
  const [config] = examplesIn("Drafts and previews");
  for (const readers of [
    [{}, editor],
    [editor, {}],
  ]) {
    const read = await worldOfPages(config);
    for (const expected of ["MISS", "HIT"]) {
      for (const headers of readers) {
        assert.deepEqual(await read(headers), [expected, headers === editor ? "Draft" : "Published"]);
      }
    }
    for (const headers of [{ cookie: "sid=8" }, { authorization: "Bearer a" }, { "x-tenant": "b" }]) {
      assert.deepEqual(await read(headers), ["HIT", "Published"], JSON.stringify(headers));
    }
  }
});

test("with by = [], the first preview is stored for everybody, as the page warns", async () => {
  const [config] = examplesIn("Drafts and previews");
  const read = await worldOfPages({ ...config, scopes: { everyone: { by: [] } } });
  assert.deepEqual(await read(editor), ["MISS", "Draft"]);
  assert.deepEqual(await read({}), ["HIT", "Draft"]);
});

test("a preview's cookie that nothing covers passes through", async () => {
  const [config] = examplesIn("Drafts and previews");
  const scopes = { everyone: { by: ["header:authorization"], ignore: ["cookie:sid"] } };
  const read = await worldOfPages({ ...config, scopes });
  assert.deepEqual(await read({}), ["MISS", "Published"]);
  assert.deepEqual(await read({ cookie: "sid=8" }), ["HIT", "Published"]);
  assert.deepEqual(await read(editor), ["BYPASS", "Draft"]);
});

const query = (name) => `query ${name} { product(id: 1) { __typename id name } }`;

async function worldOfProducts(config) {
  const world = await startWorld({ config });
  world.origin.answer = (_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ data: { product: { __typename: "Product", id: "1", name: "Chair" } } }));
  };
  for (const name of ["GetProduct", "Other"]) {
    for (const expected of ["MISS", "HIT", "HIT"]) {
      assert.equal((await world.graphql(query(name))).xCache, expected, name);
    }
  }
  return world;
}

test("the hit rate of an operation is in the log lines", async () => {
  const [log, types] = examplesIn("Hit rate per operation");
  const world = await worldOfProducts({ types: { product: types.types.product }, ...log });
  const count = (event) => world.events(event).filter(({ key }) => key.split("/")[4] === "GetProduct").length;
  await world.until(() => count("hit") === 2, "the lines of the hits");
  assert.equal(count("miss"), 1);
});

test("the hit rate of an operation is in by_type, under a cache type of its own", async () => {
  const [, types] = examplesIn("Hit rate per operation");
  const world = await worldOfProducts(types);
  const { by_type } = (await world.admin("stats")).json;
  for (const name of ["get-product", "product"]) {
    assert.deepEqual([by_type[name].hits, by_type[name].misses], [2, 1], name);
  }
});
