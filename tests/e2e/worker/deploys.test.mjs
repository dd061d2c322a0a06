// What a deploy does to the cache: other rules for tags, in both directions while old and new isolates
// run at once, a rollback, and a service with another name.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ask } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const MAX_LAG = 1;

const common = {
  types: {
    order: { match: ["rest:/api/orders/**", "graphql:Query.order"], ttl: 7200 },
  },
  mutations: { policy: "entity" },
  purge: { max_lag: MAX_LAG },
};
const withResources = { ...common, resources: [{ path: "/api/orders/:id", tags: ["Order:{id}"] }] };
const typeTagged = (tag) => ({
  ...withResources,
  types: { order: { ...common.types.order, tags: [tag] } },
});
const withPurchases = {
  ...common,
  types: { ...common.types, purchase: { match: ["graphql:Purchase"], ttl: 7200, tags: ["purchases"] } },
};

const read = { path: "/api/orders/O1" };
const query = { query: "query Order { order { __typename id number total } }" };

/** Each changes which tags an entry gets, or which a write names: the read by `before` is not named by
 * the write by `after`. */
const changes = [
  { what: "resources", before: common, after: withResources, read, shown: { __typename: "Order", id: "O1" } },
  {
    what: "a type's tags",
    before: typeTagged("orders"),
    after: { ...typeTagged("all-orders"), mutations: { rules: { updateOrder: ["all-orders"] } } },
    read: query,
    shown: { __typename: "Order", id: "O1" },
  },
  {
    what: "graphql.keys",
    before: common,
    after: { ...common, graphql: { keys: { Order: "number" } } },
    read: query,
    shown: { __typename: "Order", number: "N7" },
  },
  {
    what: "same",
    before: withPurchases,
    after: {
      ...withPurchases,
      same: [["Order", "Purchase"]],
      mutations: { rules: { updateOrder: ["purchases"] } },
    },
    read: query,
    shown: { __typename: "Purchase", id: "O1" },
  },
];

// Two isolates of one data center.
const world = await startWorld({ places: 2, oneEdge: true, configs: [common, common] });
let total = 1;
let shown = {};
world.origin.answer = (request, response, body) => {
  response.writeHead(200, { "content-type": "application/json" });
  const asked = request.method === "POST" ? JSON.parse(body).query : "";
  const order = { __typename: "Order", id: "O1", number: "N7", total };
  if (asked.startsWith("mutation")) {
    total += 1;
    response.end(JSON.stringify({ data: { updateOrder: shown } }));
  } else if (asked) {
    response.end(JSON.stringify({ data: { order } }));
  } else response.end(JSON.stringify(order));
};

/** Each test has its own entries. */
let run = 0;
beforeEach(() => {
  run += 1;
});

/** Under one name, so that one isolate's entry is for the other. */
function send(place, path, init) {
  return ask(world.url(path, place), { ...init, headers: { host: "api.example", ...init.headers } });
}

const graphql = (place, query, headers = {}) =>
  send(place, "/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query }),
  });

function reading(of, place, headers = {}) {
  if (of.path) return send(place, `${of.path}?run=${run}`, { headers });
  return graphql(place, of.query.replace("total", `total run${run}: total`), headers);
}

async function isAHit(of, place) {
  await world.until(async () => (await reading(of, place)).xCache === "HIT", `a hit in place ${place}`);
}

/** Writes in one place; the client then sees its write in the other. */
async function writeSeen(change, writer, reader) {
  shown = change.shown;
  const selection = Object.keys(shown).join(" ");
  const write = await graphql(writer, `mutation { updateOrder { ${selection} } }`);
  const purge = write.headers["evergraph-purge"];
  assert.ok(purge, write.cacheStatus);
  const answer = await reading(change.read, reader, { "evergraph-purge": purge });
  assert.notEqual(answer.xCache, "HIT", `${change.what}: ${answer.cacheStatus}`);
  assert.match(answer.text, new RegExp(`"total":${total}`));
}

for (const change of changes) {
  test(`a write by the new rules reaches what the old ones have tagged: ${change.what}`, async () => {
    await world.redeploy(change.before, change.after);
    await isAHit(change.read, 0);
    assert.equal((await reading(change.read, 1)).xCache, "HIT", "the deploy itself costs nothing");
    await writeSeen(change, 1, 0);
    // Hits go on in both, and the next write is obeyed like any.
    await isAHit(change.read, 1);
    await isAHit(change.read, 0);
    await writeSeen(change, 1, 1);
  });

  test(`a write by the old rules reaches what the new ones have tagged: ${change.what}`, async () => {
    await world.redeploy(change.before, change.after);
    await isAHit(change.read, 1);
    await isAHit(change.read, 0);
    await writeSeen({ ...change, shown: { __typename: "Order", id: "O1" } }, 0, 1);
  });

  test(`a rollback brings nothing back: ${change.what}`, async () => {
    await world.redeploy(change.before, change.before);
    await isAHit(change.read, 0);
    await world.redeploy(change.after, change.after);
    assert.equal((await reading(change.read, 1)).xCache, "HIT");
    await writeSeen(change, 1, 1);
    await world.redeploy(change.before, change.before);
    const first = await reading(change.read, 0);
    assert.match(first.text, new RegExp(`"total":${total}`), first.cacheStatus);
  });
}

test("without a write everything stays, there and back", async () => {
  for (const { before, after, read: of } of changes) {
    run += 1;
    await world.redeploy(before, before);
    await isAHit(of, 0);
    await world.redeploy(after, after);
    assert.equal((await reading(of, 0)).xCache, "HIT");
    await world.redeploy(before, before);
    assert.equal((await reading(of, 1)).xCache, "HIT");
  }
});

test("a write ends only what it names while the rules stay the same", async () => {
  const [{ after, shown: order }] = changes;
  const other = { path: "/api/orders/O2" };
  await world.redeploy(after, { ...after, types: { order: { ...after.types.order, ttl: 3600 } } });
  await isAHit(read, 0);
  await isAHit(other, 0);
  await writeSeen({ what: "a lifetime", read, shown: order }, 1, 0);
  assert.equal((await reading(other, 0)).xCache, "HIT");
  assert.equal((await reading(other, 1)).xCache, "HIT");
});

test("a service with another name goes by the log of the first, in both directions", async () => {
  const [{ after: config, shown: order }] = changes;
  const renamed = { ...config, service: "store", formerly: ["test"] };
  const change = { what: "service", read, shown: order };
  await world.redeploy(config, renamed);
  await isAHit(read, 0);
  assert.equal((await reading(read, 1)).xCache, "MISS", "its keys begin with its own name");
  await isAHit(read, 1);
  await writeSeen(change, 0, 1);
  await isAHit(read, 1);
  await isAHit(read, 0);
  await writeSeen(change, 1, 0);
  // Also a client that shows nothing sees it within `max_lag`.
  await isAHit(read, 0);
  await isAHit(read, 1);
  const before = total;
  await graphql(1, "mutation { updateOrder { __typename id } }");
  await new Promise((resolve) => setTimeout(resolve, MAX_LAG * 1_000 + 100));
  const answer = await reading(read, 0);
  assert.match(answer.text, new RegExp(`"total":${before + 1}`), answer.cacheStatus);
});
