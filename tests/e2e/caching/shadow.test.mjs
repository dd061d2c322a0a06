// Shadow mode in the real runtime: a hit is compared with the origin's present response after the client has
// its own, and a difference counts unless a purge explains it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  places: 2,
  config: {
    shadow: 1,
    types: { product: { match: ["rest:/api/**", "graphql:Query.product"], ttl: 600, scope: "user" } },
    scopes: { user: { by: ["header:authorization"] } },
  },
});
let price = 1;
world.origin.answer = (request, response, body) => {
  response.writeHead(200, { "content-type": "application/json", "x-request": String(Math.random()) });
  const product = { price, name: "Chair", __typename: "Product" };
  const isGraphql = request.url === "/graphql" && body.length > 0;
  response.end(JSON.stringify(isGraphql ? { data: { product } } : { items: [product, { stock: 3 }] }));
};

const headers = { authorization: "Bearer alice" };
const PATH = "/api/products";
const rest = (place = 0) => world.ask(PATH, { headers }, place);
const product = () => world.graphql("query Product { product { price } }", { headers });
const isHit = (ask) => world.until(async () => (await ask()).xCache === "HIT", "a hit");
const shadow = async (place) => (await world.admin("stats", { place })).json.shadow;
const compared = (count, place = 0) =>
  world.until(
    async () => (await shadow(place))?.compared === count,
    `${count} comparisons in place ${place}`,
  );
const asked = () => world.origin.requests.length;

test("a hit is sent to the origin too, as the client sent it", async () => {
  await rest();
  await isHit(rest);
  await compared(1);
  const [miss, again] = world.origin.requests.filter(({ url }) => url === PATH);
  assert.deepEqual(again.headers, miss.headers);
  assert.equal(again.headers.authorization, "Bearer alice");
  assert.deepEqual((await shadow(0)).by_operation, { [PATH]: { compared: 1, different: 0, paths: {} } });
});

test("a change past Evergraph is a difference, and one that was purged is none", async () => {
  await isHit(product);
  await isHit(() => rest(1));
  await Promise.all([compared(2), compared(1, 1)]);
  price = 2;
  const before = asked();
  const hits = await Promise.all([product(), rest(1)]);
  assert.deepEqual(
    hits.map(({ xCache }) => xCache),
    ["HIT", "HIT"],
  );
  assert.equal(hits[0].json.data.product.price, 1);
  await world.until(() => asked() === before + 2, "both are compared");
  // The isolate of place 1 does not know of it, until it reads the log.
  assert.equal((await world.admin("purge", { body: { paths: [PATH] } })).status, 200);
  // A difference is judged again after five seconds.
  await setTimeout(4_500);
  await world.until(() => world.events("shadow-difference").length === 1, "a difference");
  const [{ operation, paths, type }] = world.events("shadow-difference");
  assert.deepEqual([operation, paths, type], ["Product", ["data.product.price"], "product"]);
  const counts = { compared: 2, different: 1, paths: { "data.product.price": 1 } };
  assert.deepEqual((await shadow(0)).by_operation.Product, counts);
  // The next comparison in place 1 shows that the last one has ended.
  await isHit(() => rest(1));
  await compared(2, 1);
  assert.equal((await shadow(1)).different, 0);
  assert.equal((await product()).json.data.product.price, 1, "nothing was stored");
});
