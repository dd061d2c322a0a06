// examples/hooks for Strapi, Directus and WordPress. The hooks run as they are, called with the arguments that
// the documentation of each describes; the servers around them do not run here.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { root, run } from "../../../tools/processes.mjs";
import { findProgram, required } from "../lib/required.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const TYPES = ["Article", "BlogPost", "Comment", "Novel", "Page", "Post", "Category", "articles"];
const hooks = join(root, "examples/hooks");
const world = await startWorld({ config: { default: { ttl: 300 } } });
// With a slash at the end, as people copy addresses.
const environment = { EVERGRAPH_URL: world.url(), EVERGRAPH_TOKEN: ADMIN_TOKEN };
const query = (type) => world.graphql(`{ ${type} { __typename id } }`);

world.origin.answer = (_request, response, body) => {
  const [, type] = /\{ (\w+)/.exec(JSON.parse(body).query);
  const answer = { data: { [type]: { __typename: type, id: "1" } } };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
};

beforeEach(async () => {
  for (const type of TYPES) await query(type);
});

/** The types that have been purged. */
async function purged() {
  const found = [];
  for (const type of TYPES) if ((await query(type)).xCache !== "HIT") found.push(type);
  return found;
}

test("Strapi: a middleware of the Document Service", async () => {
  Object.assign(process.env, environment);
  // The project's packages are ES modules, and a Strapi project's are not.
  const folder = mkdtempSync(join(tmpdir(), "strapi-"));
  cpSync(join(hooks, "strapi/index.js"), join(folder, "index.cjs"));
  const { register } = createRequire(import.meta.url)(join(folder, "index.cjs"));
  rmSync(folder, { recursive: true });
  let middleware;
  const errors = [];
  const documents = { use: (given) => (middleware = given) };
  register({ strapi: { documents, log: { error: (message) => errors.push(message) } } });
  const call = (uid, action, next = async () => "result") => middleware({ uid, action }, next);

  assert.equal(await call("api::article.article", "publish"), "result");
  assert.deepEqual(await purged(), ["Article"]);
  await call("api::blog-post.blog-post", "update");
  assert.deepEqual(await purged(), ["BlogPost"]);
  await call("api::article.article", "findMany");
  const fails = call("api::article.article", "update", async () => Promise.reject(new Error("no")));
  await assert.rejects(fails, /no/);
  assert.deepEqual(await purged(), [], "a read, and a change that failed");
  process.env.EVERGRAPH_TOKEN = "wrong";
  assert.equal(await call("api::article.article", "delete"), "result", "the editor sees no error");
  assert.match(errors.join(), /401/);
});

test("Directus: a hook extension", async () => {
  const { default: register } = await import(join(hooks, "directus/index.js"));
  const actions = {};
  const errors = [];
  const logger = { error: (_error, message) => errors.push(message) };
  register({ action: (event, run) => (actions[event] = run) }, { env: environment, logger });
  await actions["items.update"]({
    event: "articles.items.update",
    collection: "articles",
    keys: [1],
    payload: {},
  });
  assert.deepEqual(await purged(), ["articles"]);
  await actions["items.create"]({
    event: "articles.items.create",
    collection: "articles",
    key: 2,
    payload: {},
  });
  assert.deepEqual(await purged(), ["articles"]);
  assert.deepEqual(Object.keys(actions).sort(), [
    "items.create",
    "items.delete",
    "items.sort",
    "items.update",
  ]);
  register(
    { action: (event, run) => (actions[event] = run) },
    { env: { EVERGRAPH_URL: "http://127.0.0.1:1" }, logger },
  );
  await actions["items.delete"]({ collection: "articles", keys: [1] });
  assert.deepEqual(errors, ["Evergraph did not take the purge of articles"]);
});

const php = findProgram("php");
test("WordPress: a plugin", { skip: !required("php", php) }, async () => {
  const driver = fileURLToPath(new URL("wordpress.php", import.meta.url));
  const plugin = join(hooks, "wordpress/evergraph-purge.php");
  const request = (...calls) =>
    run(php, [driver, plugin, JSON.stringify(calls)], { env: environment, capture: true });
  for (const [calls, expected] of [
    [[["save_post", 1]], ["Post"]],
    [
      [
        ["save_post", 3],
        ["save_post", 2],
      ],
      ["Page"],
    ],
    [[["before_delete_post", 4]], ["Novel"]],
    [[["edited_term", 7, 8, "category"]], ["Category"]],
    [[["wp_insert_comment", 9]], ["Comment", "Post"]],
    [[["save_post", 3]], []],
    [[], []],
  ]) {
    await request(...calls);
    assert.deepEqual(await purged(), expected, JSON.stringify(calls));
  }
});
