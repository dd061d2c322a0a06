// The shop's GraphQL side: graphql-yoga, with mutations in the many names that people use.

import { createSchema, createYoga } from "graphql-yoga";

const typeDefs = /* GraphQL */ `
  type Query {
    product(id: ID!): Product
    products(first: Int, after: Int, category: ID): [Product!]!
    productCount: Int!
    category(id: ID!): Category
    categories: [Category!]!
    user(id: ID!): User
    users(first: Int, after: Int): [User!]!
    search(text: String!): [Product!]!
    dashboard: Dashboard!
    fail: String
    partial: Partial!
  }
  type Mutation {
    createProduct(input: ProductInput!): ProductPayload!
    update_product(id: ID!, name: String, price: Float): Done!
    deleteProducts(ids: [ID!]!): Deleted!
    ProductUpdate(id: ID!, name: String, price: Float): ProductPayload!
    createReview(product: ID!, user: ID!, stars: Int!, text: String!): Review!
    trackVisit(path: String!): Done!
    failing(name: String!): Done
  }
  input ProductInput { name: String!, price: Float!, stock: Int, category: ID }
  type Product { id: ID!, name: String!, price: Float!, stock: Int!, category: Category, reviews: [Review!]! }
  type Category { id: ID!, name: String!, products(first: Int): [Product!]! }
  type User { id: ID!, name: String!, email: String!, orders: [Order!]! }
  type Order { id: ID!, quantity: Int!, placedOn: String!, product: Product }
  type Review { id: ID!, stars: Int!, text: String!, author: User }
  type Dashboard { products: Int!, users: Int!, orders: Int!, revenue: Float!, stars: Float! }
  type Partial { fine: String!, broken: String }
  type ProductPayload { product: Product }
  type Done { ok: Boolean! }
  type Deleted { deleted: Int! }
`;

export function graphql(shop) {
  const resolvers = {
    Query: {
      product: (_, { id }) => shop.product(id),
      products: (_, page) => shop.products(defined(page)),
      productCount: async () => (await shop.dashboard()).products,
      category: (_, { id }) => shop.category(id),
      categories: () => shop.categories(),
      user: (_, { id }) => shop.user(id),
      users: (_, page) => shop.users(defined(page)),
      search: (_, { text }) => shop.search(text),
      dashboard: () => shop.dashboard(),
      fail: () => {
        throw new Error("this field always fails");
      },
      partial: () => ({
        fine: "fine",
        broken: () => {
          throw new Error("this field always fails");
        },
      }),
    },
    Mutation: {
      createProduct: (_, { input }) => ({ product: shop.createProduct(input) }),
      update_product: (_, { id, ...changes }) => ({ ok: shop.updateProduct(id, changes) !== null }),
      deleteProducts: (_, { ids }) => ({
        deleted: ids.reduce((sum, id) => sum + shop.deleteProduct(id), 0),
      }),
      ProductUpdate: (_, { id, ...changes }) => ({ product: shop.updateProduct(id, changes) }),
      createReview: (_, review) => shop.createReview(review),
      trackVisit: () => ({ ok: true }),
      failing: () => {
        throw new Error("this mutation always fails");
      },
    },
    Product: {
      category: (product) => (product.category_id === null ? null : shop.category(product.category_id)),
      reviews: (product) => shop.reviewsOf(product.id),
    },
    Category: {
      products: (category, { first }) => shop.products(defined({ first, category: category.id })),
    },
    User: { orders: (user) => shop.ordersOf(user.id) },
    Order: {
      placedOn: (order) => order.placed_on,
      product: (order) => shop.product(order.product_id),
    },
    Review: { author: (review) => shop.user(review.user_id) },
  };
  return createYoga({
    schema: createSchema({ typeDefs, resolvers }),
    logging: false,
    maskedErrors: false,
    graphqlEndpoint: "/graphql",
    landingPage: false,
  });
}

function defined(values) {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined),
  );
}
