// A day of a shop's traffic through the Worker, in seconds: the Worker's clock is moved, and everything else is
// real. So the operator's page has something to show.

import { setTimeout as delay } from "node:timers/promises";
import { buildSchema, execute, parse } from "graphql";

export const config = {
  service: "shop",
  ignore_headers: ["*"],
  ignore_cookies: ["_ga*"],
  bypass: ["/health", "/api/checkout/**"],
  types: {
    product: {
      match: ["graphql:Query.product", "rest:/api/products/**"],
      ttl: 14_400,
      swr: 900,
      sie: 86_400,
    },
    search: { match: ["graphql:Query.search"], ttl: 7_200, swr: 300 },
    catalog: { match: ["graphql:Query.category"], ttl: 3_600, swr: 900 },
    account: { match: ["graphql:Query.viewer"], ttl: 3_600, scope: "user" },
    content: { match: ["graphql:Query.menu", "rest:/api/stores/**"], ttl: 86_400 },
  },
  scopes: { user: { by: ["header:authorization"] } },
  mutations: { rules: { addToCart: [] } },
  resources: [{ path: "/api/products/:id", tags: ["Product", "Product:{id}"] }],
};

/** The entry of a Worker whose clock a request moves. */
export const entry = `
import worker from "./index.js";
export * from "./index.js";
const real = Date.now;
let shift = -86_400_000;
Date.now = () => real.call(Date) + shift;
export default {
  ...worker,
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/clock") return worker.fetch(request, env, context);
    shift = Number(searchParams.get("shift"));
    return new Response(null, { status: 204 });
  },
};`;

const schema = buildSchema(`
  type Product { id: ID! name: String! price: Int! stock: Int! reviews: [Review!]! }
  type Review { id: ID! text: String! stars: Int! }
  type Category { id: ID! name: String! products: [Product!]! }
  type User { id: ID! name: String! }
  type MenuItem { id: ID! title: String! }
  type Cart { id: ID! items: Int! }
  type Query {
    product(id: ID!): Product
    search(text: String!): [Product!]!
    category(id: ID!): Category
    viewer: User
    menu: [MenuItem!]!
    recommended: [Product!]!
  }
  type Mutation {
    addToCart(product: ID!): Cart
    updateProduct(product: ID!, stock: Int!): Product
  }
`);
const NAMES = ["Lamp", "Chair", "Desk", "Shelf", "Rug", "Vase", "Clock", "Mirror"];
const CATEGORIES = ["lighting", "seating", "storage", "textiles", "office", "garden"];
const TERMS = ["lamp", "oak table", "rug", "wall clock", "chair", "mirror"];
const CITIES = ["berlin", "lyon", "porto", "oslo"];
const PRODUCTS = 20;

export const PRODUCT = `query GetProduct($id: ID!) { product(id: $id) { id name price stock reviews { id text } } }`;
const SEARCH = `query SearchProducts($text: String!) { search(text: $text) { id name price } }`;
const CATEGORY = `query CategoryPage($id: ID!) { category(id: $id) { id name products { id name price } } }`;
const VIEWER = `query Viewer { viewer { id name } }`;
const MENU = `query Menu { menu { id title } }`;
const RECOMMENDED = `query Recommended { recommended { id name price } }`;
const CART = `mutation AddToCart($id: ID!) { addToCart(product: $id) { id items } }`;
const STOCK = `mutation UpdateProduct($id: ID!, $n: Int!) { updateProduct(product: $id, stock: $n) { id stock } }`;

const product = (id, edition = "") => ({
  id,
  name: `${NAMES[id % NAMES.length]} ${id}${edition}`,
  price: 19 + ((id * 37) % 400),
  stock: (id * 7) % 50,
  reviews: [{ id: `${id}1`, text: "Good", stars: 5 }],
});
const some = (from, number) => Array.from({ length: number }, (_, n) => product(((from + n) % PRODUCTS) + 1));
const rootOf = ({ edition }) => ({
  product: ({ id }) => product(Number(id), edition),
  search: ({ text }) => some(text.length * 5, 8),
  category: ({ id }) => ({ id, name: id, products: some(id.length * 3, 12) }),
  viewer: () => ({ id: "u", name: "Dana" }),
  menu: () => CATEGORIES.map((title, id) => ({ id, title })),
  recommended: () => some(9, 4),
  addToCart: () => ({ id: "c", items: 1 }),
  updateProduct: ({ product: id, stock }) => ({ ...product(Number(id)), stock }),
});

/** Numbers that are the same in every run. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/**
 * The shop behind a world. `wait`: how many ms its answers take, about. `isFailing`: it has only 502s.
 * `edition`: what names of products end in, for changes that the Worker does not see.
 */
export class ShopOrigin {
  edition = "";
  isFailing = false;
  wait = 0;
  #random = generator(7);

  constructor(origin) {
    origin.answer = (request, response, body) => this.#answer(request, response, body);
  }

  async #answer(request, response, body) {
    const reply = (status, json) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    const slowness = this.#random();
    if (this.wait > 0) await delay(this.wait * (0.4 + slowness + (slowness > 0.94 ? 3 : 0)));
    if (this.isFailing) return reply(502, { error: "bad gateway" });
    if (!request.url.startsWith("/graphql"))
      return reply(200, { path: request.url, ...product(1, this.edition) });
    const { query, variables } = JSON.parse(body);
    const rootValue = rootOf(this);
    reply(200, await execute({ schema, document: parse(query), rootValue, variableValues: variables }));
  }
}

/** Sends traffic to a world. */
export class Visitors {
  #random = generator(42);

  constructor(world, token) {
    Object.assign(this, { world, token });
  }

  /** A day that ends now, in so many steps, with about so many requests in each, and so many new isolates. */
  async day({ steps, requests, isolates, shop }) {
    const length = 86_400_000 / steps;
    for (let step = 0; step < steps; step += 1) {
      const done = step / steps;
      if (step % Math.ceil(steps / (isolates + 1)) === 0 && step > 0) await this.#anotherIsolate();
      await this.#clock(Math.round((step + 0.5 - steps) * length));
      await this.#event(done, 1 / steps, shop);
      // Most buy in the evening. The day begins now, at whatever hour that is.
      const busy = 0.55 + 0.45 * Math.sin(2 * Math.PI * (done - 0.3));
      await this.some(Math.round(requests * (busy + 0.2 * this.#random())));
    }
    await this.#clock(0);
  }

  #clock = (shift) => this.world.ask(`/clock?shift=${shift}`);
  #isElsewhere = false;

  /** A new isolate finds what the edge cache and KV hold; one in another data center, what KV holds. */
  async #anotherIsolate() {
    await this.world.restart();
    if (this.#isElsewhere) this.world.caches[0].entries.clear();
    this.#isElsewhere = !this.#isElsewhere;
  }

  /** So many requests of visitors, several at a time. */
  async some(number) {
    for (let left = number; left > 0; left -= 12)
      await Promise.all(Array.from({ length: Math.min(12, left) }, () => this.#visit()));
  }

  /** What happens once a day. */
  async #event(done, part, shop) {
    const isAt = (time) => done <= time && time < done + part;
    shop.isFailing = isAt(0.31);
    const purge = (body) => this.world.admin("purge", { body, token: this.token });
    if (isAt(0.2)) await purge({ patterns: ["gql/catalog/**"], soft: true });
    if (isAt(0.62)) await purge({ all: true });
    if (isAt(0.97)) await purge({ tags: ["Product:7", "Product:9"] });
    if (isAt(0.985)) await this.world.ask("/api/products/12", { method: "PUT", body: "{}" });
  }

  /** A small number is more likely than a large one. */
  #skewed(below) {
    return Math.floor(below * this.#random() ** 2.2);
  }

  #visit() {
    const kind = this.#random();
    const id = String(this.#skewed(PRODUCTS) + 1);
    const user = { authorization: `Bearer visitor-${this.#skewed(6)}` };
    const send = (query, variables, headers) => this.world.graphql(query, { variables, headers });
    if (kind < 0.34) return send(PRODUCT, { id });
    if (kind < 0.5) return send(SEARCH, { text: TERMS[this.#skewed(TERMS.length)] });
    if (kind < 0.64) return send(CATEGORY, { id: CATEGORIES[this.#skewed(CATEGORIES.length)] });
    if (kind < 0.73) return send(VIEWER, {}, user);
    if (kind < 0.8) return send(MENU, {});
    if (kind < 0.86) return this.world.ask(`/api/products/${id}`);
    if (kind < 0.89) return this.world.ask(`/api/stores/${CITIES[this.#skewed(CITIES.length)]}`);
    if (kind < 0.935) return send(RECOMMENDED, {}, { cookie: "sid=3f1b; _ga=GA1.1" });
    if (kind < 0.955) return this.world.ask("/api/checkout/quote");
    if (kind < 0.996) return send(CART, { id });
    return send(STOCK, { id, n: Math.floor(this.#random() * 40) });
  }
}
