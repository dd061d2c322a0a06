// The origin of all peers: it computes little, and waits as long as it is told to. It runs in a thread of its own.
// What it knows of a product is how often it was written.

import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

/** How many products the pages of a request have. */
const PAGES = { Catalog: [20], Catalog8K: Array(20).fill(1), Catalog1MB: Array(20).fill(100) };
/** What Evergraph adds to the selections of fragments: the origin shows it, as a real one would. */
const ADDED = "evergraph__typename";
const DASHBOARD_MILLIS = 600;
/** Numbers in responses have so many digits, so that all responses to an operation are of one length. */
const DIGITS = 10;

/** A handle to the thread. */
export class Origin {
  #thread = new Worker(new URL(import.meta.url));

  /** Starts an origin; `port` and `url` say where. */
  static async start() {
    const origin = new Origin();
    origin.port = (await origin.#ask({})).port;
    origin.url = `http://127.0.0.1:${origin.port}`;
    return origin;
  }

  /** How often it was asked so far. */
  async count() {
    return (await this.#ask({})).count;
  }

  /** From now on every response takes so many milliseconds. */
  async delay(millis) {
    await this.#ask({ delay: millis });
  }

  stop() {
    return this.#thread.terminate();
  }

  #ask(message) {
    return new Promise((resolve, reject) => {
      this.#thread.once("error", reject);
      this.#thread.once("message", (answer) => {
        this.#thread.off("error", reject);
        resolve(answer);
      });
      this.#thread.postMessage(message);
    });
  }
}

const padded = (number) => String(Math.abs(number)).padStart(DIGITS, "0");

function review(product, n) {
  const author = { __typename: "User", id: padded(product + n), name: "Ada Lovelace" };
  return {
    __typename: "Review",
    id: `${padded(product)}${n}`,
    stars: 4,
    text: "Good, sturdy, and as described.",
    author,
  };
}

/** `added`: the members that Evergraph asks for in addition. */
function product(number, added) {
  return {
    ...added,
    __typename: "Product",
    id: padded(number),
    name: "Oak Lamp, small",
    price: 12.25,
    stock: 7,
    category: { __typename: "Category", id: "7", name: "Lamps" },
    reviews: [1, 2].map((n) => review(number, n)),
  };
}

/** The response to a request of some pages of products, which `after` makes different ones. */
function catalog(name, after, added = {}) {
  const pages = PAGES[name].map((length, page) =>
    Array.from({ length }, (_, n) => product(Math.abs(after) * 20 + page * length + n, added)),
  );
  if (name === "Catalog") return { products: pages[0] };
  return Object.fromEntries(pages.map((found, page) => [`page${page}`, found]));
}

const large = new Map();
const versions = new Map();

const one = (id) => ({
  __typename: "Product",
  id,
  name: padded(versions.get(id) ?? 0),
  reviews: [1, 2, 3, 4, 5].map((n) => review(Number(id), n)),
});

function answer({ operationName: name, variables = {}, query }) {
  if (name === "Product") return `{"data":${JSON.stringify({ product: one(variables.id) })}}`;
  if (name === "Rename") {
    versions.set(variables.id, (versions.get(variables.id) ?? 0) + 1);
    const { __typename, id, name: version } = one(variables.id);
    return `{"data":${JSON.stringify({ ProductUpdate: { product: { __typename, id, name: version } } })}}`;
  }
  if (name === "Dashboard") {
    const figures = { products: 1_200, users: 800, orders: 4_500, revenue: 98_765.25, stars: 4.25 };
    return `{"data":${JSON.stringify({ dashboard: { __typename: "Dashboard", ...figures } })}}`;
  }
  if (!(name in PAGES)) throw new Error(`an operation that nobody should send: ${query}`);
  if (name === "Catalog") return `{"data":${JSON.stringify(catalog(name, variables.after))}}`;
  const added = query.includes(ADDED) ? { [ADDED]: "Product" } : {};
  const which = name + Object.keys(added);
  if (!large.has(which)) large.set(which, `{"data":${JSON.stringify(catalog(name, 1, added))}}`);
  return large.get(which);
}

function rest(url) {
  const { pathname, searchParams } = new URL(url, "http://origin");
  if (pathname === "/api/dashboard") return answer({ operationName: "Dashboard" });
  return JSON.stringify(catalog("Catalog", Number(searchParams.get("after"))));
}

function serve() {
  let count = 0;
  let delay = 0;
  const respond = async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    count += 1;
    const said = request.method === "POST" && JSON.parse(Buffer.concat(chunks).toString());
    // What a response says is what was true when the request came.
    const body = said ? (Array.isArray(said) ? `[${said.map(answer)}]` : answer(said)) : rest(request.url);
    const isDashboard = said ? said.operationName === "Dashboard" : request.url.startsWith("/api/dashboard");
    const millis = isDashboard ? DASHBOARD_MILLIS : delay;
    if (millis > 0) await wait(millis);
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    response.writeHead(200, headers).end(body);
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error) => response.writeHead(500).end(error.message));
  });
  server.keepAliveTimeout = 120_000;
  const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  parentPort.on("message", async (message) => {
    await listening;
    if (message.delay !== undefined) delay = message.delay;
    parentPort.postMessage({ port: server.address().port, count });
  });
}

if (!isMainThread) serve();
