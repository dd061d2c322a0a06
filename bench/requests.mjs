// The requests of the load generator, as bytes. All peers get the same ones.

// A negative `after` means the first page: any number gives the same answer under another key.
const CATALOG = `query Catalog($first: Int, $after: Int) {
  products(first: $first, after: $after) {
    __typename
    id
    name
    price
    stock
    category {
      __typename
      id
      name
    }
    reviews {
      __typename
      id
      stars
      text
      author {
        __typename
        id
        name
      }
    }
  }
}`;
const FIRST = 20; // products in an answer of about 10 KB

/** The same for 20 pages of 100 products: an answer of about 1 MB. */
const CATALOG_1MB = `query Catalog1MB($first: Int, $after: Int) {
${Array.from({ length: 20 }, (_, page) => `  page${page}: products(first: ${page === 0 ? "$first" : 100}, after: ${page === 0 ? "$after" : (page % 12) * 100}) { ...Item }`).join("\n")}
}
fragment Item on Product { __typename id name price stock category { __typename id name } reviews { __typename id stars text author { __typename id name } } }`;

const DASHBOARD = "query Dashboard { dashboard { products users orders revenue stars } }";

/** The requests by name. Each is made of a number, so that it can be one never asked before. */
const REQUESTS = {
  catalog: (number) =>
    post(
      JSON.stringify({
        operationName: "Catalog",
        variables: { first: FIRST, after: -1_000_000_000 - number },
        query: CATALOG,
      }),
    ),
  "catalog-1mb": (number) =>
    post(
      JSON.stringify({
        operationName: "Catalog1MB",
        variables: { first: 100, after: -1_000_000_000 - number },
        query: CATALOG_1MB,
      }),
    ),
  "dashboard-graphql": () => post(JSON.stringify({ operationName: "Dashboard", query: DASHBOARD })),
  "dashboard-rest": () => `GET /api/dashboard HTTP/1.1\r\n${headers()}`,
};

/** A request as it goes over the wire. */
export function requestBytes(name, number = 0) {
  return Buffer.from(REQUESTS[name](number));
}

/** A call of `POST purge` as it goes over the wire. */
export function purgeBytes(what, token) {
  const body = JSON.stringify(what);
  return Buffer.from(
    "POST /__evergraph/purge HTTP/1.1\r\n" +
      `host: shop.example\r\nauthorization: Bearer ${token}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function post(body) {
  return (
    "POST /graphql HTTP/1.1\r\n" +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
    headers() +
    body
  );
}

// What a browser's Apollo Client sends, without what says who is asking.
function headers() {
  return (
    "host: shop.example\r\n" +
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
    "accept: application/graphql-response+json,application/json;q=0.9\r\n" +
    "accept-language: en-US,en;q=0.5\r\n" +
    "accept-encoding: gzip, deflate, br\r\n" +
    "referer: https://shop.example/catalog\r\n\r\n"
  );
}
