// What frameworks send that are not part of the tests, so that tests/e2e/guides/recorded.test.mjs can send
// it too. `source` says where the headers come from. "recorded": `curl -i` printed them for the running
// framework. "not recorded": the framework was not run, and the headers were taken from its public
// documentation and source code. Bodies are made by graphql-js, since Evergraph adds fields to queries.

import { createHash, createHmac } from "node:crypto";

const JSON_TYPE = "application/json";

/** A token that Hasura accepts, with the secret that the test gives Evergraph. */
export const HASURA_SECRET = "a secret of at least 32 characters";

function hasuraToken(user) {
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    "x-hasura-user-id": user,
    "x-hasura-default-role": "user",
    "x-hasura-allowed-roles": ["user"],
  };
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ exp, "https://hasura.io/jwt/claims": claims })}`;
  return `${signed}.${createHmac("sha256", HASURA_SECRET).update(signed).digest("base64url")}`;
}

function hasuraUser({ authorization }) {
  if (!authorization) return undefined;
  const claims = JSON.parse(Buffer.from(authorization.split(".")[1], "base64url"));
  return claims["https://hasura.io/jwt/claims"]["x-hasura-user-id"];
}

const bearer = ({ authorization }) => authorization?.replace("Bearer ", "");
const cookie = (name, { cookie: sent = "" }) => new RegExp(`${name}=([^;]*)`).exec(sent)?.[1];
const bearers = ["alice", "bob"].map((name) => ({
  name,
  headers: { authorization: `Bearer ${name}` },
  reads: "HIT",
}));

/** A value that the framework encrypts, and that therefore never repeats. */
let encryptions = 0;
function encrypted(value) {
  encryptions += 1;
  return `${createHash("sha256").update(`${value} ${encryptions}`).digest("base64url")}--${value}`;
}

/**
 * Each has the guide's `page`; `headers(request)`, of every response; `user(headers)`, who is asking; for
 * GraphQL the `path`, the `sdl` and the operations; for REST the `paths`; what the hook purges; and the
 * people who read.
 */
export const RECORDINGS = [
  {
    page: "django-graphene.md",
    source: "recorded: Django 5.2.19, graphene-django 3.2.3, wsgiref, 2026-11-29",
    headers: (request) => ({
      "content-type": JSON_TYPE,
      vary: "Cookie",
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "set-cookie": ` csrftoken=${cookie("csrftoken", request.headers) ?? encrypted("t").slice(0, 32)}; expires=Sun, 28 Nov 2027 00:31:44 GMT; Max-Age=31449600; Path=/; SameSite=Lax`,
    }),
    user: (headers) => cookie("sessionid", headers),
    path: "/graphql",
    sdl: `
      type ProductType { id: ID name: String }
      type UserType { id: ID name: String }
      type UpdateProduct { ok: Boolean product: ProductType }
      type Query { product(id: ID): ProductType me: UserType }
      type Mutation { updateProduct(id: ID, name: String): UpdateProduct }
    `,
    read: "{ product(id: 1) { id name } }",
    readMine: "{ me { id name } }",
    write: (name) => `mutation { updateProduct(id: 1, name: "${name}") { ok } }`,
    wrote: (product) => ({ ok: true, product }),
    tags: ["ProductType"],
    people: ["alice", "bob"].map((name) => ({
      name,
      headers: { cookie: `csrftoken=of-${name}; sessionid=${name}` },
      reads: "HIT",
    })),
  },
  {
    page: "rails.md",
    source:
      "not recorded; from public documentation and source code: Rack 3 (lib/rack/etag.rb: weak ETag, DEFAULT_CACHE_CONTROL), Rails 8 (action_dispatch/http/response.rb, railties load_defaults), ActionDispatch::Session::CookieStore",
    headers: (request) => ({
      "x-frame-options": "SAMEORIGIN",
      "x-xss-protection": "0",
      "x-content-type-options": "nosniff",
      "x-permitted-cross-domain-policies": "none",
      "referrer-policy": "strict-origin-when-cross-origin",
      "content-type": "application/json; charset=utf-8",
      vary: "Accept",
      etag: `W/"${encrypted("body").slice(0, 32)}"`,
      "cache-control": "max-age=0, private, must-revalidate",
      "x-request-id": encrypted("id").slice(0, 32),
      "x-runtime": "0.012345",
      ...(cookie("_shop_session", request.headers) && {
        "set-cookie": `_shop_session=${encrypted(cookie("_shop_session", request.headers).split("--").pop())}; path=/; httponly; samesite=lax`,
      }),
    }),
    user: (headers) => bearer(headers) ?? cookie("_shop_session", headers)?.split("--").pop(),
    path: "/graphql",
    sdl: `
      type Product { id: ID! name: String }
      type User { id: ID! name: String }
      type ProductUpdatePayload { product: Product errors: [String!]! }
      input ProductUpdateInput { id: ID! name: String }
      type Query { product(id: ID!): Product me: User }
      type Mutation { productUpdate(input: ProductUpdateInput!): ProductUpdatePayload }
    `,
    read: "{ product(id: 1) { id name } }",
    readMine: "{ me { id name } }",
    write: (name) =>
      `mutation { productUpdate(input: { id: 1, name: "${name}" }) { product { id name } errors } }`,
    wrote: (product) => ({ product, errors: [] }),
    tags: ["Product"],
    people: [...bearers, { name: "carol", headers: { cookie: "_shop_session=x--carol" }, reads: "BYPASS" }],
  },
  {
    page: "laravel-lighthouse.md",
    source:
      "not recorded; from public documentation and source code: symfony/http-foundation 7 (ResponseHeaderBag::computeCacheControlValue), laravel/framework 12 (EncryptCookies, StartSession, VerifyCsrfToken), nuwave/lighthouse 6",
    headers: (request) => ({
      "cache-control": "no-cache, private",
      "content-type": JSON_TYPE,
      ...(cookie("laravel-session", request.headers) && {
        "set-cookie": [
          `XSRF-TOKEN=${encrypted("xsrf")}; expires=Sun, 29 Nov 2026 02:31:44 GMT; Max-Age=7200; path=/; samesite=lax`,
          `laravel-session=${encrypted(cookie("laravel-session", request.headers).split("--").pop())}; expires=Sun, 29 Nov 2026 02:31:44 GMT; Max-Age=7200; path=/; httponly; samesite=lax`,
        ],
      }),
    }),
    user: (headers) => bearer(headers) ?? cookie("laravel-session", headers)?.split("--").pop(),
    path: "/graphql",
    sdl: `
      type Product { id: ID! name: String }
      type User { id: ID! name: String }
      type Query { product(id: ID!): Product me: User }
      type Mutation { updateProduct(id: ID!, name: String): Product }
    `,
    read: "{ product(id: 1) { id name } }",
    readMine: "{ me { id name } }",
    write: (name) => `mutation { updateProduct(id: 1, name: "${name}") { id name } }`,
    wrote: (product) => product,
    tags: ["Product"],
    people: [
      ...bearers,
      {
        name: "carol",
        headers: { cookie: "XSRF-TOKEN=t; laravel-session=x--carol", "x-xsrf-token": "t" },
        reads: "BYPASS",
      },
    ],
  },
  {
    page: "hasura.md",
    source:
      "not recorded; from public documentation and source code: hasura/graphql-engine 2 (server/src-lib/Hasura/Server/App.hs, Utils.hs)",
    secrets: { JWT_SECRET: HASURA_SECRET },
    headers: (request) => ({
      "content-type": "application/json; charset=utf-8",
      "x-request-id": request.headers["x-request-id"] ?? encrypted("id").slice(0, 36),
    }),
    user: hasuraUser,
    path: "/v1/graphql",
    sdl: `
      type products { id: Int! name: String }
      type users { id: String! name: String }
      type products_mutation_response { affected_rows: Int! returning: [products!]! }
      input products_set_input { name: String }
      input products_pk_columns_input { id: Int! }
      type Query { products_by_pk(id: Int!): products users: [users!]! }
      type Mutation {
        update_products_by_pk(pk_columns: products_pk_columns_input!, _set: products_set_input): products
      }
    `,
    read: "{ products_by_pk(id: 1) { id name } }",
    readMine: "{ users { id name } }",
    write: (name) =>
      `mutation { update_products_by_pk(pk_columns: { id: 1 }, _set: { name: "${name}" }) { id } }`,
    wrote: (product) => product,
    tags: ["products"],
    // With the guide's one scope, what depends on no user is not shared between users either.
    people: ["alice", "bob"].map((name) => ({
      name,
      headers: { authorization: `Bearer ${hasuraToken(name)}`, "x-hasura-role": "user" },
      reads: "HIT",
      shares: false,
    })),
  },
  {
    page: "strapi.md",
    source:
      "not recorded; from public documentation and source code: strapi/strapi 5 (packages/plugins/graphql/server/src/bootstrap.ts: Apollo Server by koaMiddleware; strapi::cors, strapi::security, strapi::poweredBy). Only Cache-Control was recorded, from Apollo Server 5.5.1",
    headers: () => ({
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      vary: "Origin",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=31536000; includeSubDomains",
      "x-content-type-options": "nosniff",
      "x-frame-options": "SAMEORIGIN",
      "x-powered-by": "Strapi <strapi.io>",
    }),
    user: bearer,
    path: "/graphql",
    sdl: `
      enum PublicationStatus { DRAFT PUBLISHED }
      input ArticleInput { title: String }
      type Article { documentId: ID! title: String }
      type Query { article(documentId: ID!, status: PublicationStatus = PUBLISHED): Article }
      type Mutation { updateArticle(documentId: ID!, data: ArticleInput!): Article }
    `,
    read: '{ article(documentId: "d1") { documentId title } }',
    // What a token may see: the title that the origin makes for it.
    readMine: '{ mine: article(documentId: "mine") { documentId title } }',
    write: (name) =>
      `mutation { updateArticle(documentId: "d1", data: { title: "${name}" }) { documentId title } }`,
    wrote: (product) => product,
    tags: ["Article"],
    people: bearers.map((person) => ({ ...person, shares: false })),
  },
  {
    page: "fastapi.md",
    source: "recorded: FastAPI 0.165.0, strawberry-graphql 0.327.7, uvicorn 0.54.0, 2026-11-29",
    headers: () => ({ server: "uvicorn", "content-type": JSON_TYPE }),
    user: bearer,
    path: "/graphql",
    sdl: `
      type Product { id: ID! name: String! }
      type User { id: ID! name: String! }
      type Query { product(id: ID!): Product me: User }
      type Mutation { updateProduct(id: ID!, name: String!): Product! }
    `,
    read: "{ product(id: 1) { id name } }",
    readMine: "{ me { id name } }",
    write: (name) => `mutation { updateProduct(id: 1, name: "${name}") { __typename } }`,
    wrote: (product) => product,
    tags: ["Product"],
    people: bearers,
  },
];
