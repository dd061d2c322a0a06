// The demo origin: a small shop that speaks GraphQL and REST, and counts who reaches it.
//
//   node examples/shop/server.mjs     (ORIGIN_PORT, 4000)

import { createServer } from "node:http";
import { openDatabase } from "./data.mjs";
import { graphql } from "./graphql.mjs";
import { queries } from "./queries.mjs";
import { json, rest } from "./rest.mjs";

/** Starts the shop on loopback; resolves with its server once it listens. */
export function startShop(port) {
  const shop = queries(openDatabase());
  const yoga = graphql(shop);
  const counted = { requests: 0, by: {} };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://shop.example");
    if (url.pathname === "/__origin/requests") return json(request, response, 200, counted);
    counted.requests += 1;
    const route = `${request.method} ${url.pathname}`;
    counted.by[route] = (counted.by[route] ?? 0) + 1;
    try {
      if (url.pathname === "/graphql") return await yoga(request, response);
      if (await rest(shop, request, response, url)) return undefined;
      return json(request, response, 404, { error: "no such route" });
    } catch (error) {
      return json(request, response, 500, { error: error.message });
    }
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

if (process.argv[1] === import.meta.filename) {
  const port = Number(process.env.ORIGIN_PORT ?? 4000);
  await startShop(port);
  console.log(`the demo shop is at http://127.0.0.1:${port}, its count at /__origin/requests`);
}
