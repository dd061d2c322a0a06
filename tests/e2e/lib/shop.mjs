// A GraphQL server with a rich schema: interfaces, unions, nulls, lists and ids of several kinds.
// graphql-js runs it, and it accepts requests in every form.

import { gunzipSync, inflateSync } from "node:zlib";
import { buildSchema, execute, parse, validate } from "graphql";

/** The schema; a test that uploads one may put directives in the place of the comments. */
export const SDL = `
  interface Node { id: ID! }
  union Found = Product | Review
  type Product implements Node #product
  {
    id: ID! sku: String name: String #name
    best: Review reviews: [Review!]!
  }
  type Review implements Node { id: ID! text: String }
  type User #user
  { id: ID! name: String }
  type Item implements Node { id: ID! name: String }
  type Done { ok: Boolean }
  type Query {
    hello: String
    product(id: ID, first: Int = 1): Product #Query.product
    products: [Product!]! #Query.products
    review(id: ID): Review
    reviews: [Review!]!
    found(id: ID): Found
    user: User
    me: User #Query.me
    item(id: ID): Item
  }
  type Mutation {
    renameProduct(id: ID!, name: String): Product
    writeReview(id: ID!, text: String): Review
    renameUser(name: String): User
    deleteProduct(id: ID, sku: String): Done
    renameItem(id: ID!, name: String): Item
  }
`;

/** The schema with directives, each in the place of its comment. */
export const sdlWith = (directives) =>
  Object.entries(directives).reduce((sdl, [place, text]) => sdl.replace(`#${place}\n`, `${text}\n`), SDL);

export const INTROSPECTION = "EvergraphIntrospection";
export const globalId = (type, id) => Buffer.from(`${type}:${id}`).toString("base64");
const schema = buildSchema(SDL);

export class Shop {
  products = { 1: { sku: "A-1", name: "one" }, 2: { sku: "B-2", name: "two" } };
  reviews = {};
  user = "nobody";
  /** What every answer has under `extensions`. */
  extensions;
  /** What the server says of its own schema: "truth", "nothing", or a schema that is not it. */
  introspection = "truth";
  /** A promise for which the answer about the schema waits. */
  held;

  constructor(origin) {
    this.origin = origin;
    origin.answer = (request, response, body) => this.answer(request, response, body);
  }

  /** The requests for the schema. */
  get asked() {
    return this.origin.requests.filter(({ body }) => body.includes(INTROSPECTION));
  }

  async answer(request, response, body) {
    const reply = (status, json) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    if (!request.url.startsWith("/graphql")) return reply(200, { path: request.url });
    const { query, variables, operationName } = read(request, body);
    let runs = schema;
    if (query.includes(INTROSPECTION)) {
      await this.held;
      if (this.introspection === "nothing") return reply(400, { errors: [{ message: "no introspection" }] });
      if (this.introspection !== "truth") runs = buildSchema(this.introspection);
    }
    let document;
    try {
      document = parse(query);
    } catch (error) {
      return reply(400, { errors: [error] });
    }
    const errors = validate(runs, document);
    if (errors.length > 0) return reply(400, { errors });
    const rootValue = this.#root(request);
    const answer = await execute({
      schema: runs,
      document,
      rootValue,
      variableValues: variables,
      operationName,
    });
    reply(200, { ...answer, extensions: this.extensions });
  }

  #root(request) {
    const product = (id) =>
      this.products[id] && { __typename: "Product", id, best: null, reviews: [], ...this.products[id] };
    const review = (id) => this.reviews[id] && { __typename: "Review", id, text: this.reviews[id] };
    const item = (id) => ({ id, name: `item ${Buffer.from(id, "base64")}` });
    return {
      hello: "hello",
      product: ({ id }) => product(id),
      products: () => Object.keys(this.products).map(product),
      review: ({ id }) => review(id),
      reviews: () => Object.keys(this.reviews).map(review),
      found: ({ id }) => product(id) ?? review(id),
      user: () => ({ id: "u", name: this.user }),
      me: () => ({ id: "m", name: request.headers["x-user"] ?? "nobody" }),
      item: ({ id }) => item(id),
      renameProduct: ({ id, name }) => {
        this.products[id] = { ...this.products[id], name };
        return product(id);
      },
      writeReview: ({ id, text }) => {
        this.reviews[id] = text;
        return review(id);
      },
      renameUser: ({ name }) => {
        this.user = name;
        return { id: "u", name };
      },
      deleteProduct: ({ id, sku }) => {
        delete this.products[id ?? Object.keys(this.products).find((one) => this.products[one].sku === sku)];
        return { ok: true };
      },
      renameItem: ({ id }) => item(id),
    };
  }
}

/** A GraphQL request's members, whatever form they come in. */
function read({ method, url, headers }, body) {
  if (method === "GET") {
    const { variables, ...members } = Object.fromEntries(new URL(url, "http://origin").searchParams);
    return { ...members, variables: variables && JSON.parse(variables) };
  }
  const undo = { gzip: gunzipSync, deflate: inflateSync }[headers["content-encoding"]];
  const text = (undo ? undo(body) : body).toString();
  return headers["content-type"].startsWith("application/graphql") ? { query: text } : JSON.parse(text);
}
