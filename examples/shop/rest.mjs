// The shop's REST side.

const PRODUCT = /^\/api\/products\/(\d+)$/;
const USER = /^\/api\/users\/(\d+)$/;

/** Answers a request under /api/, or returns false where there is no such route. */
export async function rest(shop, request, response, url) {
  const read = request.method === "GET" || request.method === "HEAD";
  const route = `${read ? "GET" : request.method} ${url.pathname}`;
  const product = PRODUCT.exec(url.pathname)?.[1];
  const user = USER.exec(url.pathname)?.[1];
  const send = (status, body, headers = {}) => json(request, response, status, body, headers);

  if (route === "GET /api/dashboard") return send(200, await shop.dashboard());
  if (route === "GET /api/analytics") return send(200, await shop.analytics());
  if (route === "GET /api/search") {
    const text = url.searchParams.get("q") ?? "";
    return send(200, { query: text, results: await shop.search(text) });
  }
  if (route === "GET /api/products") {
    return send(200, shop.products({ after: Number(url.searchParams.get("after") ?? 0) }));
  }
  if (read && product) {
    const found = shop.product(product);
    return found
      ? send(200, { ...found, reviews: shop.reviewsOf(found.id) })
      : send(404, { error: "no such product" });
  }
  if (read && user) {
    const found = shop.user(user);
    return found
      ? send(200, { ...found, orders: shop.ordersOf(found.id) })
      : send(404, { error: "no such user" });
  }
  if (route === "POST /api/products") {
    const { name, price, stock, category } = await body(request);
    if (typeof name !== "string" || typeof price !== "number") {
      return send(400, { error: "a product has a name and a price" });
    }
    const made = shop.createProduct({ name, price, stock, category });
    return send(201, made, { location: `/api/products/${made.id}` });
  }
  if (request.method === "PUT" && product) {
    const changed = shop.updateProduct(product, await body(request));
    return changed ? send(200, changed) : send(404, { error: "no such product" });
  }
  if (request.method === "DELETE" && product) {
    return shop.deleteProduct(product) ? send(200, { deleted: 1 }) : send(404, { error: "no such product" });
  }
  return false;
}

export function json(request, response, status, value, headers = {}) {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : text);
  return true;
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const value = JSON.parse(Buffer.concat(chunks).toString());
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
