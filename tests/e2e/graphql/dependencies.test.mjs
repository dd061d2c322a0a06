// What an answer depends on that it does not show: totals, pages, aggregates, lists of interfaces,
// settings, and what the origin says in headers of its own. A write that changes it purges it, and
// what has nothing to do with the write stays.

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, graphql } from "graphql";
import { startWorld } from "../lib/world.mjs";

const SDL = `
  type Query {
    products: PaginatedProduct
    products_aggregate: products_aggregate
    aggregateProduct: AggregateProduct
    groupByProduct: [ProductGroup!]!
    allProducts: ProductsConnection
    strapiProducts: ProductEntityResponseCollection
    laravelProducts: ProductPaginator
    products_aggregated: [products_aggregated!]!
    productsCount: Count
    shop: Shop
    stats: Stats
    contentNodes: ContentNodes
    search: [Found!]!
    latest: Content
    generalSettings: GeneralSettings
    settings: Settings
    tags: [Tag!]!
    tagPages: TagConnection
  }
  interface Content { id: ID!, title: String }
  type Page implements Content { id: ID!, title: String }
  type Post implements Content { id: ID!, title: String }
  union Found = Page | Post
  type ContentNodes { nodes: [Content!]! }
  type Product { id: ID!, name: String }
  type Tag { id: ID! }
  type Shop { id: ID!, products: PaginatedProduct, stats: ShopStats }
  type ShopStats { sold: Int, best: Product, products: [Product!] }
  type Stats { products: Int }
  type Count { count: Int }
  type PaginatedProduct { totalCount: Int, nodes: [Product!], pageInfo: PageInfo }
  type PageInfo { hasNextPage: Boolean, endCursor: String, total: Int }
  type products_aggregate { aggregate: products_aggregate_fields, nodes: [Product!] }
  type products_aggregate_fields { count: Int, sum: products_sum_fields, max: products_max_fields }
  type products_sum_fields { price: Int }
  type products_max_fields { id: Int, name: String }
  type AggregateProduct { _count: ProductCount, _avg: ProductAvg }
  type ProductCount { id: Int, _all: Int }
  type ProductAvg { price: Float }
  type ProductGroup { name: String, _count: ProductCount }
  type ProductsConnection { aggregates: ProductAggregates, nodes: [Product!], totalCount: Int }
  type ProductAggregates { sum: products_sum_fields }
  type ProductEntityResponseCollection { data: [Product!], meta: Meta }
  type Meta { pagination: Pagination }
  type Pagination { total: Int }
  type ProductPaginator { data: [Product!], paginatorInfo: PaginatorInfo }
  type PaginatorInfo { total: Int }
  type products_aggregated { count: ProductCount, group: String }
  type TagConnection { nodes: [Tag!], totalCount: Int, pageInfo: PageInfo }
  type GeneralSettings { title: String }
  type Settings { id: ID!, title: String }
  type Mutation {
    createProduct: Product
    createPost: Post
    updateSettings: UpdateSettingsPayload
    update_users_me: Tag
  }
  type UpdateSettingsPayload { generalSettings: GeneralSettings }`;

const product = { __typename: "Product", id: 1, name: "one" };
const page = { __typename: "Page", id: 1, title: "one" };
const counted = { id: 7, _all: 7 };
const paginated = {
  totalCount: 7,
  nodes: [product],
  pageInfo: { hasNextPage: true, endCursor: "x", total: 7 },
};
const ROOT = {
  products: paginated,
  products_aggregate: {
    aggregate: { count: 7, sum: { price: 7 }, max: { id: 7, name: "x" } },
    nodes: [product],
  },
  aggregateProduct: { _count: counted, _avg: { price: 7.5 } },
  groupByProduct: [{ name: "x", _count: counted }],
  allProducts: { aggregates: { sum: { price: 7 } }, nodes: [product], totalCount: 7 },
  strapiProducts: { data: [product], meta: { pagination: { total: 7 } } },
  laravelProducts: { data: [product], paginatorInfo: { total: 7 } },
  products_aggregated: [{ count: counted, group: "x" }],
  productsCount: { count: 7 },
  shop: { id: 1, products: paginated, stats: { sold: 7, best: product } },
  stats: { products: 7 },
  contentNodes: { nodes: [page] },
  search: [page],
  latest: page,
  generalSettings: { title: "x" },
  settings: { id: 1, title: "x" },
  tags: [{ id: 1 }],
  tagPages: { nodes: [{ id: 1 }], totalCount: 1, pageInfo: { hasNextPage: false } },
  createProduct: { __typename: "Product", id: 9, name: "nine" },
  createPost: { __typename: "Post", id: 9, title: "nine" },
  updateSettings: { generalSettings: { title: "y" } },
  update_users_me: { id: 1 },
};

const TOTALS = [
  "{ products { totalCount } }",
  "{ products { pageInfo { hasNextPage } } }",
  "{ products { pageInfo { endCursor } } }",
  "{ products { totalCount nodes { id } pageInfo { hasNextPage } } }",
  "{ products_aggregate { aggregate { count } } }",
  "{ products_aggregate { aggregate { sum { price } } } }",
  "{ products_aggregate { aggregate { max { id name } } } }",
  "{ products_aggregate { aggregate { count } nodes { id } } }",
  "{ aggregateProduct { _count { _all } } }",
  "{ aggregateProduct { _avg { price } } }",
  "{ groupByProduct { name _count { id } } }",
  "{ allProducts { aggregates { sum { price } } } }",
  "{ allProducts { totalCount } }",
  "{ strapiProducts { meta { pagination { total } } } }",
  "{ laravelProducts { paginatorInfo { total } } }",
  "{ products_aggregated { count { id } } }",
  "{ productsCount { count } }",
  "{ stats { products } }",
  "{ shop { id products { totalCount } } }",
  "{ shop { id stats { sold } } }",
  "{ shop { id products { pageInfo { total } } } }",
];

const LISTS = [
  "{ contentNodes { nodes { title } } }",
  "{ contentNodes { nodes { id title } } }",
  "{ contentNodes { nodes { id ... on Page { title } ... on Post { title } } } }",
  "{ search { ... on Page { id title } ... on Post { id } } }",
  "{ latest { id ... on Page { title } ... on Post { title } } }",
];

/** Reads that no write to a product, a post or the settings changes. */
const OTHERS = ["{ tags { id } }", "{ tagPages { totalCount nodes { id } pageInfo { hasNextPage } } }"];

const schema = buildSchema(SDL);

/** A world before a server that runs that schema. */
async function start({ config = {}, uploaded = false } = {}) {
  const world = await startWorld({
    config: { default: { ttl: 600 }, purge: { max_lag: 60 }, ...config },
  });
  world.origin.answer = async (_request, response, body) => {
    const { query } = JSON.parse(body);
    const answer = await graphql({ schema, source: query, rootValue: ROOT });
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  };
  if (uploaded) assert.equal((await world.admin("schema", { body: SDL, method: "POST" })).status, 200);
  return world;
}

async function store(world, queries) {
  for (const query of queries) {
    const found = [];
    for (let n = 0; n < 2; n += 1) found.push((await world.graphql(query)).xCache);
    assert.deepEqual(found, ["MISS", "HIT"], query);
  }
}

/** Which of these are still stored. */
async function left(world, queries) {
  const found = [];
  for (const query of queries) if ((await world.graphql(query)).xCache === "HIT") found.push(query);
  return found;
}

for (const uploaded of [false, true]) {
  const how = uploaded ? "with a schema" : "without a schema";

  test(`totals, pages and aggregates go with a new product, ${how}`, async () => {
    for (const policy of ["type", "list"]) {
      const world = await start({ config: { mutations: { policy } }, uploaded });
      await store(world, [...TOTALS, ...OTHERS]);
      await world.graphql("mutation { createProduct { __typename id } }");
      assert.deepEqual(await left(world, [...TOTALS, ...OTHERS]), OTHERS, policy);
    }
  });

  test(`lists of an interface or a union go with a type that they do not show yet, ${how}`, async () => {
    for (const policy of ["type", "list", "entity"]) {
      const world = await start({ config: { mutations: { policy } }, uploaded });
      await store(world, [...LISTS, ...OTHERS]);
      await world.graphql("mutation { createPost { __typename id } }");
      assert.deepEqual(await left(world, [...LISTS, ...OTHERS]), OTHERS, policy);
    }
  });
}

test("a mutation whose answer shows an unknown type is not judged by its name", async () => {
  const world = await start();
  const reads = ["{ generalSettings { title } }", "{ settings { id title } }", ...OTHERS];
  await store(world, reads);
  // `Settings` is known, and it is not what was changed.
  await world.graphql("mutation { updateSettings { generalSettings { title } } }");
  assert.deepEqual(await left(world, reads), []);
  await world.admin("purge", { body: { all: true } });
  await store(world, reads);
  await world.graphql("mutation { updateSettings { __typename generalSettings { __typename title } } }");
  assert.deepEqual(await left(world, reads), OTHERS);
});

test("tag_headers name response headers that hold tags and stay here", async () => {
  const world = await startWorld({
    config: {
      default: { ttl: 600 },
      types: { api: { match: ["rest:/api/**"], ttl: 600 } },
      tag_headers: ["X-GraphQL-Keys", "x-more"],
    },
  });
  const keys = { project: "graphql:Query list:project cG9zdDozNDU=", other: "graphql:Query list:other" };
  world.origin.answer = (request, response, body) => {
    const which = `${request.url} ${body}`.includes("project") ? "project" : "other";
    const answer = { data: { [which]: { __typename: "Thing", id: 1 } } };
    response
      .writeHead(200, {
        "content-type": "application/json",
        "x-graphql-keys": keys[which],
        "x-more": `a,${which}-b`,
        "x-kept": "yes",
      })
      .end(JSON.stringify(answer));
  };
  const reads = {
    project: () => world.graphql("{ project { __typename id } }"),
    other: () => world.graphql("{ other { __typename id } }"),
    restProject: () => world.ask("/api/project"),
    restOther: () => world.ask("/api/other"),
  };
  for (const tag of ["cG9zdDozNDU=", "list:project", "project-b"]) {
    for (const [name, read] of Object.entries(reads)) {
      const found = [];
      for (let n = 0; n < 2; n += 1) {
        const answer = await read();
        found.push(answer.xCache);
        for (const header of ["x-graphql-keys", "x-more", "xkey"])
          assert.equal(answer.headers.get(header), null, `${name} ${header}`);
        assert.equal(answer.headers.get("x-kept"), "yes");
      }
      assert.equal(found[1], "HIT", name);
    }
    assert.equal((await world.admin("purge", { body: { tags: [tag] } })).status, 200);
    const stored = [];
    for (const [name, read] of Object.entries(reads)) if ((await read()).xCache === "HIT") stored.push(name);
    assert.deepEqual(stored, ["other", "restOther"], tag);
  }
  // What is passed through keeps them from the client too.
  const passed = await world.ask("/api/project", { headers: { authorization: "x" } });
  assert.deepEqual([passed.xCache, passed.headers.get("x-graphql-keys")], ["BYPASS", null]);
});
