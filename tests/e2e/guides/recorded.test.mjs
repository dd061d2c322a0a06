// The guides for frameworks that do not run here, in front of a server that sends their headers
// (recordings.mjs).

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, graphql } from "graphql";
import { configurationOf, follow, posted } from "../lib/guides.mjs";
import { startWorld } from "../lib/world.mjs";
import { RECORDINGS } from "./recordings.mjs";

/** A framework's API over one product: what answers its requests, and what renames the product. */
function apiOf({ sdl, headers, user, wrote }) {
  const schema = buildSchema(sdl);
  const product = { id: "1", documentId: "d1", name: "Chair", title: "Chair" };
  const change = (name) => Object.assign(product, { name, title: name });
  const write = ({ name, input, data, _set }) =>
    wrote(change(name ?? input?.name ?? data?.title ?? _set?.name));
  const rootValueFor = (who) => {
    const person = who && { id: who, name: who };
    return {
      product: () => product,
      products_by_pk: () => product,
      me: () => person ?? null,
      users: () => (person ? [person] : []),
      article: ({ documentId }) => (documentId === "mine" ? { documentId, title: who } : product),
      updateProduct: write,
      productUpdate: write,
      update_products_by_pk: write,
      updateArticle: write,
    };
  };
  return {
    change,
    async answer(request, response, body) {
      const rootValue = rootValueFor(user(request.headers));
      const answer = request.url.startsWith("/products/")
        ? rest(request, body, product, change)
        : request.url === "/me"
          ? (rootValue.me() ?? {})
          : await graphql({ schema, rootValue, source: JSON.parse(body).query });
      response.writeHead(200, headers(request)).end(JSON.stringify(answer));
    },
  };
}

function rest({ method }, body, product, change) {
  if (method === "PUT") change(JSON.parse(body).name);
  return { id: product.id, name: product.name };
}

for (const recording of RECORDINGS) {
  const { page, path, read, readMine, write } = recording;
  await follow(page, {
    ...recording,
    ...apiOf(recording),
    read: (send, headers) => send(path, posted(read, headers)),
    readMine: (send, headers) => send(path, posted(readMine, headers)),
    write: (send, name) => send(path, posted(write(name))),
  });
}

const fastapi = RECORDINGS.find(({ page }) => page === "fastapi.md");
await follow("fastapi.md", {
  ...fastapi,
  ...apiOf(fastapi),
  read: (send, headers) => send("/products/1", { headers }),
  readMine: (send, headers) => send("/me", { headers }),
  write: (send, name) => send("/products/1", { method: "PUT", body: JSON.stringify({ name }) }),
});

test("strapi.md: a draft is never stored", async () => {
  const { origin: _, ...config } = configurationOf("strapi.md");
  const world = await startWorld({ config });
  world.origin.answer = apiOf(RECORDINGS.find(({ page }) => page === "strapi.md")).answer;
  const draft = posted('{ article(documentId: "d1", status: DRAFT) { documentId title } }');
  for (let time = 0; time < 2; time += 1) {
    const { xCache, cacheStatus } = await world.ask("/graphql", draft);
    assert.deepEqual([xCache, cacheStatus.includes("ttl-zero")], ["BYPASS", true], cacheStatus);
  }
});
