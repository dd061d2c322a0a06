// A GraphQL server for an origin: products that mutations rename, run by graphql-js. It takes
// documents by text, by an id of its allow-list, or by a hash that it knows, alone or in batches.

import { buildSchema, graphql, parse } from "graphql";

const schema = buildSchema(`
  type Product { id: ID! name: String! }
  type User { id: ID! name: String! }
  type Query { product(id: ID = "1", text: String): Product  user: User  me: User  broken: Product }
  type Mutation { renameProduct(id: ID!, name: String!): Product  renameUser(name: String!): User  refuse: Product! }
`);

export class Api {
  /** The documents that it has by ids, hashes among them. */
  documents = {};
  /** Whether it takes batches, and of how many. */
  batching = true;
  products = { 1: "one", 2: "two", 3: "three" };
  user = "nobody";
  /** The operations that ran, each by its document. */
  ran = [];

  constructor(origin) {
    origin.answer = (request, response, body) => this.answer(request, response, body);
  }

  async answer(request, response, body) {
    const reply = (status, json, headers = {}) =>
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(json));
    let asked;
    if (request.method === "GET") {
      asked = Object.fromEntries(new URL(request.url, "http://origin").searchParams);
      for (const name of ["variables", "extensions"]) asked[name] &&= JSON.parse(asked[name]);
    } else asked = JSON.parse(body);
    if (Array.isArray(asked)) {
      if (!this.batching) return reply(400, { errors: [{ message: "no batches here" }] });
      return reply(200, await Promise.all(asked.map((one) => this.run(request, one))), this.headers);
    }
    return reply(200, await this.run(request, asked), this.headers);
  }

  /** The headers of every response, in addition to its content type. */
  headers = {};

  async run(request, asked) {
    const hash = asked?.extensions?.persistedQuery?.sha256Hash;
    const id = asked?.documentId ?? asked?.doc_id ?? asked?.id ?? hash;
    const source = asked?.query ?? this.documents[id];
    if (source === undefined) return { errors: [{ message: "PersistedQueryNotFound" }] };
    const isMutation = /^\s*mutation/.test(source);
    if (isMutation && request.method === "GET") return { errors: [{ message: "not by GET" }] };
    try {
      parse(source);
    } catch (error) {
      return { errors: [{ message: error.message }] };
    }
    this.ran.push(source);
    return graphql({
      schema,
      source,
      rootValue: this.#root(request),
      variableValues: asked.variables,
      operationName: asked.operationName,
    });
  }

  #root(request) {
    const product = (id) => ({ id, name: this.products[id] ?? "none" });
    return {
      product: ({ id }) => product(id),
      user: () => ({ id: "u", name: this.user }),
      me: () => ({ id: "m", name: request.headers["x-user"] ?? "nobody" }),
      broken: () => {
        throw new Error("broken");
      },
      renameProduct: ({ id, name }) => {
        this.products[id] = name;
        return product(id);
      },
      renameUser: ({ name }) => {
        this.user = name;
        return { id: "u", name };
      },
      refuse: () => {
        throw new Error("refused");
      },
    };
  }
}
