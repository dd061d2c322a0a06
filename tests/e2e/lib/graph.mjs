// A GraphQL API with a bit of everything, and two servers for it: plain graphql-js and Yoga.

import { buildSchema, execute, GraphQLError, parse, validate } from "graphql";
import { createYoga } from "graphql-yoga";

export const schema = buildSchema(`
  scalar JSON
  interface Node { id: ID! }
  interface Named { name: String label(lang: String): String }
  union Thing = Product | User | Review | Box
  input Filter { text: String ids: [ID!] deep: Filter json: JSON }
  type Product implements Node & Named {
    id: ID! name: String label(lang: String): String price: Float stock: Int! json: JSON
    matrix: [[Product]] grid: [[Int]!]! related(first: Int = 2): [Product] maybe: Product
    seller: User! reviews: [Review!]! things(filter: Filter): [Thing] box: Box
    broken: String brokenList: [Int!] strict: Product!
  }
  type User implements Node & Named {
    id: ID! name: String label(lang: String): String friends: [User!] owns(first: Int): [Product]
    json: JSON broken: String
  }
  type Review implements Node {
    id: ID! text: String stars: Int! author: User product: Product! about: Thing broken: String
  }
  type Box { anything: JSON! empty: [Thing!]! inner: Box named: Named }
  type Query {
    node(id: ID!): Node nodes(ids: [ID]!): [Node] named: [Named!]! things(filter: Filter): [Thing]
    product(id: ID, filter: Filter, json: JSON): Product users(first: Int, after: String): [User]
    review: Review box: Box json(value: JSON): JSON echo(text: String): String
    fails: Product strict: Product!
  }
  type Mutation { updateProduct(id: ID!): Product updateUser(id: ID!): User }
`);

/** JSON as scalars have it: with keys that mean something elsewhere, and with every kind of text. */
export const JSON_VALUES = [
  null,
  [],
  {},
  'é😀\u2028\u0000"\\/',
  -1.5e-7,
  { __typename: "Product", id: "1", evergraph_: 1, evergraph: { typename: "x" } },
  { data: { errors: [{ locations: [{ line: 1, column: 40 }] }] }, "": 0 },
  { locations: [{ line: 1, column: 60 }], "é😀": { 'a"b\\': [[[{}]], { "{": "}" }] } },
  { evergraph__typename: "User", a: [{ evergraph__: 1 }], evergraph__x: {} },
  [[{ a: 1 }, { a: { b: [] } }], "evergraph__typename", "{evergraph__typename:__typename "],
];

const TEXTS = ["plain", "", "é 😀 \u2028", 'quoted "{" \\ , }', null, "\t\n\r\b\f\u001f", "evergraph__"];

const from = (list, n) => list[n % list.length];
const fails = (what) => {
  throw new GraphQLError(`no ${what} today: é😀`, { extensions: { code: "FAILED", what } });
};
const upTo = (first, make) => Array.from({ length: Math.max(0, Math.min(first ?? 2, 4)) }, (_, n) => make(n));

function product(n) {
  return {
    __typename: "Product",
    id: `p${n}`,
    name: from(TEXTS, n),
    label: ({ lang }) => `${lang ?? "no"} label ${n}`,
    price: n / 7,
    stock: n,
    json: from(JSON_VALUES, n),
    matrix: () => [[product(n + 1), null], [], null, [product(n + 2)]],
    grid: [[1, null, 2], []],
    related: ({ first }) => upTo(first, (at) => (at % 3 === 2 ? null : product(n + at + 1))),
    maybe: () => (n % 2 ? null : product(n + 1)),
    seller: () => user(n),
    reviews: () => (n % 3 ? [review(n), review(n + 1)] : []),
    things: () => things(n),
    box: () => box(n),
    broken: () => fails("text"),
    brokenList: () => [1, new GraphQLError("no item"), 3],
    strict: () => (n % 2 ? fails("product") : product(n + 2)),
  };
}

function user(n) {
  return {
    __typename: "User",
    id: `u${n}`,
    name: from(TEXTS, n + 3),
    label: ({ lang }) => lang ?? null,
    friends: () => (n % 2 ? null : [user(n + 1), user(n + 2)]),
    owns: ({ first }) => upTo(first, (at) => product(n + at)),
    json: from(JSON_VALUES, n + 4),
    broken: () => fails("user's text"),
  };
}

function review(n) {
  return {
    __typename: "Review",
    id: `r${n}`,
    text: from(TEXTS, n + 1),
    stars: n % 5,
    author: () => (n % 2 ? user(n) : null),
    product: () => product(n),
    about: () => from(things(n), n),
    broken: () => (n % 2 ? fails("review") : "whole"),
  };
}

function box(n) {
  return {
    __typename: "Box",
    anything: from(JSON_VALUES, n) ?? "nothing",
    empty: [],
    inner: () => (n % 3 ? box(n + 1) : null),
    named: () => (n % 2 ? user(n) : product(n)),
  };
}

const things = (n) => [product(n + 1), null, user(n), review(n + 1), box(n)];
const number = (id) => Number(/\d+/.exec(id ?? "")?.[0] ?? 0) % 100;
const node = (id) => ({ p: product, u: user, r: review })[String(id)[0]]?.(number(id)) ?? null;

const ROOT = {
  node: ({ id }) => node(id),
  nodes: ({ ids }) => ids.map(node),
  named: () => [user(1), product(2)],
  things: () => things(1),
  product: ({ id }) => product(number(id)),
  users: ({ first }) => upTo(first, user),
  review: () => review(1),
  box: () => box(5),
  json: ({ value }) => value ?? null,
  echo: ({ text }) => text ?? null,
  fails: () => fails("product"),
  strict: () => fails("product at all"),
  updateProduct: ({ id }) => product(number(id)),
  updateUser: ({ id }) => user(number(id)),
};

for (const type of [schema.getQueryType(), schema.getMutationType()]) {
  for (const [name, field] of Object.entries(type.getFields())) {
    field.resolve = (_root, args) => ROOT[name](args);
  }
}

/** Yoga on a path. */
export const yogaOn = (path) =>
  createYoga({ schema, logging: false, graphiql: false, graphqlEndpoint: path });

const yoga = yogaOn("/yoga");

/** Answers a request by Yoga, as a test's origin. */
export async function answerByYoga(request, response, body) {
  const { method, url, headers } = request;
  const answer = await yoga.fetch(`http://origin${url}`, {
    method,
    headers,
    body: method === "POST" ? body : undefined,
  });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
}

/** Answers a request by graphql-js, with JSON laid out with so much white space. */
export async function answerPlainly(request, response, body, space) {
  const { query, variables, operationName } = readRequest(request, body);
  const [status, answer] = await run(query, variables, operationName);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(answer, null, space));
}

/** A GraphQL request's members, from its URL or its body. */
export function readRequest({ method, url }, body) {
  if (method === "POST") return JSON.parse(body);
  const members = Object.fromEntries(new URL(url, "http://origin").searchParams);
  return { ...members, variables: members.variables ? JSON.parse(members.variables) : undefined };
}

async function run(query, variableValues, operationName) {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    return [400, { errors: [error] }];
  }
  const errors = validate(schema, document);
  if (errors.length > 0) return [400, { errors }];
  const result = await execute({ schema, document, variableValues, operationName });
  const { data, ...rest } = result;
  if (data === undefined) return [400, rest];
  // Of both orders that servers write them in.
  const dataFirst = Object.keys(variableValues ?? {}).length % 2 === 0;
  return [200, dataFirst ? { data, extensions: { cost: 1 }, ...rest } : { ...rest, data }];
}
