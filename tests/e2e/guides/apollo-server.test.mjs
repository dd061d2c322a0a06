// docs/guides/apollo-server.md, in front of Apollo Server itself.

import { after } from "node:test";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { follow, posted } from "../lib/guides.mjs";

const product = { id: "1", name: "Chair" };

const typeDefs = `
  type Product { id: ID! name: String }
  type User { id: ID! name: String }
  type Query { product(id: ID!): Product me: User }
  type Mutation { updateProduct(id: ID!, name: String): Product }
`;
const resolvers = {
  Query: { product: () => product, me: (_root, _args, { user }) => user && { id: user, name: user } },
  Mutation: { updateProduct: (_root, { name }) => Object.assign(product, { name }) },
};

await follow("apollo-server.md", {
  async start() {
    const server = new ApolloServer({ typeDefs, resolvers });
    after(() => server.stop());
    const { url } = await startStandaloneServer(server, {
      listen: { host: "127.0.0.1", port: 0 },
      context: async ({ req }) => ({ user: req.headers.authorization?.replace("Bearer ", "") }),
    });
    return url.replace(/\/$/, "");
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
