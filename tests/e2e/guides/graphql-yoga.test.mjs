// docs/guides/graphql-yoga.md, in front of GraphQL Yoga itself.

import { createServer } from "node:http";
import { after } from "node:test";
import { createSchema, createYoga } from "graphql-yoga";
import { follow, posted } from "../lib/guides.mjs";

const product = { id: "1", name: "Chair" };

const schema = createSchema({
  typeDefs: `
    type Product { id: ID! name: String }
    type User { id: ID! name: String }
    type Query { product(id: ID!): Product me: User }
    type Mutation { updateProduct(id: ID!, name: String): Product }
  `,
  resolvers: {
    Query: {
      product: () => product,
      me: (_root, _args, { request }) => {
        const user = request.headers.get("authorization")?.replace("Bearer ", "");
        return user && { id: user, name: user };
      },
    },
    Mutation: { updateProduct: (_root, { name }) => Object.assign(product, { name }) },
  },
});

await follow("graphql-yoga.md", {
  async start() {
    const server = createServer(createYoga({ schema, logging: false }));
    after(() => {
      server.closeAllConnections();
      server.close();
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${server.address().port}`;
  },
  read: (send, headers) => send("/graphql", posted("{ product(id: 1) { id name } }", headers)),
  readMine: (send, headers) => send("/graphql", posted("{ me { id name } }", headers)),
  write: (send, name) =>
    send("/graphql", posted(`mutation { updateProduct(id: 1, name: "${name}") { id name } }`)),
  change: (name) => Object.assign(product, { name }),
  tags: ["Product"],
  people: [
    { name: "alice", headers: { authorization: "Bearer alice" }, reads: "HIT" },
    { name: "bob", headers: { authorization: "Bearer bob" }, reads: "HIT" },
  ],
});
