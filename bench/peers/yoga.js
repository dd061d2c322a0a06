// GraphQL Yoga in front of the origin, with its response cache in memory: the cache that a GraphQL server
// brings along. It has the origin's schema, validates and executes the operation over the origin's response,
// and purges the entities that a mutation's response contains.

import { createInMemoryCache, useResponseCache } from "@graphql-yoga/plugin-response-cache";
import { createSchema, createYoga } from "graphql-yoga";

const MILLIS = 300_000;
const ENTRIES = 5_000;

const typeDefs = /* GraphQL */ `
  type Query {
    products(first: Int, after: Int): [Product!]!
    product(id: ID!): Product
    dashboard(day: Int): Dashboard!
  }
  type Mutation { ProductUpdate(id: ID!, name: String): ProductPayload! }
  type Product { id: ID!, name: String!, price: Float!, stock: Int!, category: Category, reviews: [Review!]! }
  type Category { id: ID!, name: String! }
  type User { id: ID!, name: String! }
  type Review { id: ID!, stars: Int!, text: String!, author: User }
  type Dashboard { products: Int!, users: Int!, orders: Int!, revenue: Float!, stars: Float! }
  type ProductPayload { product: Product }
`;

/** A root field's value is in the origin's response to the whole operation, which is asked for once. */
async function fromOrigin(_parent, _arguments, context, info) {
  context.answer ??= ask(context);
  return (await context.answer).data[info.path.key];
}

async function ask({ ORIGIN, params, request }) {
  const answer = await fetch(`${ORIGIN}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: request.headers.get("accept") },
    body: JSON.stringify(params),
  });
  return answer.json();
}

const resolvers = {
  Query: { products: fromOrigin, product: fromOrigin, dashboard: fromOrigin },
  Mutation: { ProductUpdate: fromOrigin },
};

const cache = createInMemoryCache({ max: ENTRIES });
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  plugins: [useResponseCache({ session: () => null, ttl: MILLIS, cache })],
  batching: { limit: 10 },
  logging: false,
  landingPage: false,
});

export default { fetch: (request, env, context) => yoga.fetch(request, env, context) };
