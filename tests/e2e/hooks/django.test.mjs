// examples/hooks/django, in a running Django.

import assert from "node:assert/strict";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { root, start, stop } from "../../../tools/processes.mjs";
import { pythonWith } from "../lib/python.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const environment = await pythonWith(here("requirements.txt"));

test("a change of a model purges its type, after the commit", { skip: !environment }, async () => {
  const world = await startWorld({ config: { types: { all: { match: ["graphql:Query.a"], ttl: 300 } } } });
  world.origin.answer = (_request, response) => {
    const answer = { data: { a: { __typename: "ProductType", id: "1" } } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  };
  const query = async () => (await world.graphql("{ a { __typename id } }")).xCache;
  const site = start(join(environment, "bin/python"), [here("django_site.py")], {
    env: {
      PYTHONPATH: join(root, "examples/hooks/django"),
      PYTHONDONTWRITEBYTECODE: "1",
      EVERGRAPH_URL: world.url(), // With a slash at the end, as people copy addresses.
      EVERGRAPH_TOKEN: ADMIN_TOKEN,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  after(() => stop(site));
  const lines = createInterface({ input: site.stdout })[Symbol.asyncIterator]();
  const read = async () => (await lines.next()).value;
  const make = async (change) => {
    site.stdin.write(`${change}\n`);
    assert.equal(await read(), change);
  };

  assert.equal(await query(), "MISS");
  for (const change of ["create", "save", "delete", "create", "relate"]) {
    assert.equal(await query(), "HIT", `before ${change}`);
    await make(change);
    assert.equal(await query(), "MISS", change);
  }
  for (const change of ["unrelated", "roll_back"]) {
    await make(change);
    assert.equal(await query(), "HIT", change);
  }
  site.stdin.write("begin_and_commit\n");
  assert.equal(await read(), "saved");
  assert.equal(await query(), "HIT", "the purge waits for the commit");
  site.stdin.write("\n");
  assert.equal(await read(), "begin_and_commit");
  assert.equal(await query(), "MISS");
  // A purge that fails is logged, and the site goes on.
  await stop(world.process);
  await make("create");
});
