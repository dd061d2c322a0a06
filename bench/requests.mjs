// The requests of the load generator, as bytes. All peers get the same ones.

const PRODUCT = `{
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
  }`;

const CATALOG = `query Catalog($first: Int, $after: Int) {
  products(first: $first, after: $after) ${PRODUCT}
}`;

/** A document of 8 KB, indented by four spaces, for a response of 10 KB: twenty pages of one product. */
const CATALOG_8KB = `query Catalog8K($first: Int, $after: Int) {
${Array.from({ length: 20 }, (_, page) => `  page${page}: products(first: $first, after: $after) ${PRODUCT}`).join("\n")}
}`.replaceAll("  ", "    ");

/** Twenty pages of a hundred products: a response of 1 MB. */
const CATALOG_1MB = `query Catalog1MB($first: Int, $after: Int) {
${Array.from({ length: 20 }, (_, page) => `  page${page}: products(first: $first, after: $after) { ...Item }`).join("\n")}
}
fragment Item on Product ${PRODUCT}`;

const DASHBOARD =
  "query Dashboard($day: Int) { dashboard(day: $day) { __typename products users orders revenue stars } }";

const ONE = `query Product($id: ID!) {
  product(id: $id) { __typename id name reviews { __typename id stars text author { __typename id name } } }
}`;

const RENAME = `mutation Rename($id: ID!, $name: String) {
  ProductUpdate(id: $id, name: $name) { product { __typename id name } }
}`;

const operation = (operationName, query, variables) => ({ operationName, variables, query });
const product = (number) => operation("Product", ONE, { id: productId(number) });

/** The requests by name. Each is made of a number, so that it can be one never sent before. */
const REQUESTS = {
  catalog: (number) => post(operation("Catalog", CATALOG, { first: 20, after: number })),
  "catalog-8kb": (number) => post(operation("Catalog8K", CATALOG_8KB, { first: 1, after: number })),
  "catalog-1mb": (number) => post(operation("Catalog1MB", CATALOG_1MB, { first: 100, after: number })),
  "catalog-rest": (number) => get(`/api/products?first=20&after=${number}`),
  batch: (number) => post(Array.from({ length: 10 }, (_, n) => product(number * 10 + n))),
  product: (number) => post(product(number)),
  "dashboard-graphql": (number) => post(operation("Dashboard", DASHBOARD, { day: number })),
  "dashboard-rest": (number) => get(`/api/dashboard?day=${number}`),
};

/** A request as it goes over the wire. */
export function requestBytes(name, number = 0) {
  return Buffer.from(REQUESTS[name](number));
}

/** The id of a product. */
export const productId = (number) => String(number).padStart(10, "0");

/** The nth write of a product: no two of them are the same. */
export function writeBytes(number, time) {
  return Buffer.from(post(operation("Rename", RENAME, { id: productId(number), name: `name ${time}` })));
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

const get = (path) => `GET ${path} HTTP/1.1\r\n${headers()}`;

function post(request) {
  const body = JSON.stringify(request);
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
