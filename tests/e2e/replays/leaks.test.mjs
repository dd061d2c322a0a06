// Public bug reports of answers that reached somebody else than who had asked.

import assert from "node:assert/strict";
import { replay, Stage } from "../lib/replay.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    graphql: { paths: ["/graphql/**"] },
    types: {
      api: { match: ["rest:/api/**"], ttl: 600 },
      pages: { match: ["rest:/pages/**"], ttl: 600, override: true },
      account: {
        match: ["rest:/account/**", "graphql:Query.viewer", "graphql:Query.game"],
        ttl: 600,
        scope: "user",
      },
      store: { match: ["graphql:Query.shelf"], ttl: 600, scope: "store" },
      catalog: { match: ["graphql:Query.catalog"], ttl: 600, scope: "everyone" },
      keyed: { match: ["rest:/keyed/**"], ttl: 600, scope: "key" },
    },
    scopes: {
      user: { by: ["header:authorization", "cookie:session"] },
      store: { by: ["header:store"] },
      key: { by: ["header:x-api-key"] },
      everyone: { by: [] },
    },
    purge: { max_lag: 60 },
  },
});
const stage = new Stage(world);

const bearer = (name) => ({ authorization: `Bearer ${name}` });
const session = (name) => ({ cookie: `session=${name}` });
/** Whose request it is, for an origin that knows people by header or cookie. */
const who = ({ headers }) =>
  headers.authorization?.slice(7) ?? /session(?:id)?=(\w+)/.exec(headers.cookie)?.[1] ?? "nobody";
/** The answer to `{ field { name } }`, in the form in which it comes. */
const named = (field, name) => JSON.stringify({ data: { [field]: { name } } });
const SDL = (field, type = "Thing") =>
  `type ${type} { id: ID! name: String } type Query { ${field}: ${type} }`;
const says = (field) => (request) => ({ [field]: { id: "1", name: who(request) } });

replay([
  {
    report: "eamigo86/graphene-django-extras#127",
    wrong: "the key was the document and its variables, so a guest read what a signed-in user had asked",
    run: async () => {
      const api = stage.graph(SDL("someValue"), says("someValue"));
      const ask = (headers) => api.post("{ someValue { name } }", { headers });
      await stage.eachItsOwn(
        [
          [named("someValue", "ada"), { cookie: "sessionid=ada" }],
          [named("someValue", "nobody"), {}],
          [named("someValue", "bob"), { cookie: "sessionid=bob" }],
        ],
        ask,
      );
      assert.equal((await ask({})).xCache, "HIT");
    },
  },
  {
    report: "TupiC/strapi-cache#126",
    wrong: "the answer for a token was served without one",
    run: async () => {
      const path = stage.at("/api/orders", (request, response) =>
        response.writeHead(who(request) === "nobody" ? 401 : 200).end(who(request)),
      );
      const ask = (headers) => stage.get(path, headers);
      await stage.eachItsOwn(
        [
          ["ada", bearer("ada")],
          ["nobody", {}],
          ["bob", bearer("bob")],
        ],
        ask,
      );
      assert.equal((await ask({})).status, 401);
      const open = stage.at("/api/open-orders", 200, {}, "open");
      await stage.hit(() => stage.get(open));
    },
  },
  {
    report: "TupiC/strapi-cache#13",
    wrong: "the answer for guests was served to a signed-in user, who has to see more",
    run: async () => {
      const path = stage.at("/api/resources", (request, response) =>
        response.writeHead(200).end(who(request)),
      );
      assert.equal((await stage.hit(() => stage.get(path))).text, "nobody");
      assert.equal((await stage.get(path, bearer("ada"))).text, "ada");
      assert.equal((await stage.hit(() => stage.get(path))).text, "nobody");
    },
  },
  {
    report: "coralproject/talk#4856",
    wrong: "a GET of GraphQL with public caching headers and no Vary was shared by all tokens",
    run: async () => {
      const api = stage.graph(SDL("reactionPresence"), says("reactionPresence"));
      api.headers = { "cache-control": "public, max-age=120" };
      const ask = (headers) => api.get({ query: "{ reactionPresence { name } }" }, headers);
      await stage.eachItsOwn(
        ["ada", "bob"].map((name) => [named("reactionPresence", name), bearer(name)]),
        ask,
      );
      assert.equal((await stage.hit(() => ask({}))).text, named("reactionPresence", "nobody"));
      assert.equal((await ask(bearer("ada"))).text, named("reactionPresence", "ada"));
    },
  },
  {
    report: "dotCMS/core#30319",
    wrong: "after the sign-out the same query still showed what the user had seen",
    run: async () => {
      const api = stage.graph(SDL("viewer"), says("viewer"));
      const ask = (headers) => api.post("{ viewer { name } }", { headers });
      assert.equal((await stage.hit(() => ask(session("ada")))).text, named("viewer", "ada"));
      assert.equal((await ask({})).text, named("viewer", "nobody"));
      assert.equal((await stage.hit(() => ask({}))).text, named("viewer", "nobody"));
      assert.equal((await ask(session("ada"))).text, named("viewer", "ada"));
    },
  },
  {
    report: "kwhitley/apicache#225",
    wrong: "once an answer for a good API key was stored, any key and none got it",
    run: async () => {
      const checksKey = (request, response) =>
        response.writeHead(request.headers["x-api-key"] === "good" ? 200 : 401).end();
      for (const path of ["/api/by-key", "/keyed/by-key"]) {
        stage.at(path, checksKey);
        for (const [key, status] of [
          ["good", 200],
          ["bad", 401],
          [undefined, 401],
          ["good", 200],
        ]) {
          const answer = await stage.get(path, key === undefined ? {} : { "x-api-key": key });
          assert.equal(answer.status, status, `${path} with ${key}`);
          await stage.settle();
        }
      }
      await stage.hit(() => stage.get("/keyed/by-key", { "x-api-key": "good" }));
    },
  },
  {
    report: "discourse/discourse#20021",
    wrong: "a request with Api-Key got the answer that guests get",
    run: async () => {
      const path = stage.at("/api/topics", (request, response) =>
        response.writeHead(200).end(request.headers["api-key"] ?? "guest"),
      );
      assert.equal((await stage.hit(() => stage.get(path))).text, "guest");
      assert.equal((await stage.get(path, { "api-key": "admin" })).text, "admin");
      assert.equal((await stage.hit(() => stage.get(path))).text, "guest");
    },
  },
  {
    report: "koala73/worldmonitor#5386",
    wrong:
      "the key left out a header with a credential: a bad one got the stored answer in place of the refusal",
    run: async () => {
      const api = stage.graph(SDL("bootstrap"), () => ({ bootstrap: { id: "1", name: "open" } }));
      api.refuses = ({ headers }) => "x-worldmonitor-key" in headers;
      const ask = (headers) => api.post("{ bootstrap { name } }", { headers });
      assert.equal((await stage.hit(() => ask({}))).text, named("bootstrap", "open"));
      assert.equal((await ask({ "x-worldmonitor-key": "wm_x" })).status, 401);
      await stage.hit(() => ask({}));
    },
  },
  {
    report: "Michad/tilegroxy#859",
    wrong: "keys had no tenant, so one tenant's answer poisoned the others'",
    run: async () => {
      const path = stage.at("/api/tiles", (request, response) =>
        response.writeHead(200).end(request.headers["x-tenant-id"] ?? "none"),
      );
      const ask = (headers) => stage.get(path, headers);
      await stage.eachItsOwn(
        [
          ["a", { "x-tenant-id": "a" }],
          ["b", { "x-tenant-id": "b" }],
          ["none", {}],
        ],
        ask,
      );
      await stage.hit(() => ask({}));
    },
  },
  {
    report: "magento/magento2#29775",
    wrong: "the store was in the key and the customer's token was not, so groups saw each other's prices",
    run: async () => {
      const api = stage.graph(SDL("shelf"), (request) => ({
        shelf: { id: "1", name: `${request.headers.store}/${who(request)}` },
      }));
      const ask = (headers) => api.post("{ shelf { name } }", { headers });
      const caller = (store, headers = {}, name = "nobody") => [
        named("shelf", `${store}/${name}`),
        { store, ...headers },
      ];
      await stage.eachItsOwn(
        [caller("de", bearer("ada"), "ada"), caller("de", bearer("bob"), "bob"), caller("de"), caller("fr")],
        ask,
      );
      await stage.hit(() => ask({ store: "de" }));
    },
  },
  {
    report: "magento/pwa-studio#3377",
    wrong: "a client that sends its token with every query got no shared answer, not even of the catalogue",
    run: async () => {
      const sdl = "type Thing { id: ID! name: String } type Query { catalog: Thing me: Thing }";
      const api = stage.graph(sdl, (request) => ({
        catalog: { id: "1", name: "all" },
        me: { id: "2", name: who(request) },
      }));
      await api.post("{ catalog { name } }", { headers: bearer("ada") });
      const headers = { ...bearer("bob"), ...session("bob") };
      const shared = await stage.hit(() => api.post("{ catalog { name } }", { headers }));
      assert.equal(shared.text, named("catalog", "all"));
      // The catalogue is public, but not the other field of the same query.
      for (const name of ["ada", "bob", "ada"]) {
        const both = await api.data("{ catalog { name } me { name } }", { headers: bearer(name) });
        assert.equal(both.me.name, name);
      }
      assert.equal((await api.data("{ catalog { name } me { name } }")).me.name, "nobody");
    },
  },
  {
    report: "nuxt/nuxt#28527",
    wrong: "the entry of a page held the Set-Cookie of whoever had asked first",
    run: async () => {
      let visitors = 0;
      const path = stage.add((_request, response) => {
        visitors += 1;
        response
          .writeHead(200, { "cache-control": "max-age=600", "set-cookie": `session=${visitors}` })
          .end(`visitor ${visitors}`);
      });
      for (const visitor of [1, 2]) {
        const answer = await stage.get(path);
        assert.deepEqual(
          [answer.text, answer.headers["set-cookie"]],
          [`visitor ${visitor}`, [`session=${visitor}`]],
        );
        await stage.settle();
      }
      const without = stage.fresh(() => "page");
      await stage.hit(() => stage.get(without));
    },
  },
  {
    report: "spatie/laravel-responsecache#337",
    wrong: "the session's cookies were in the stored headers, and were replayed",
    run: async () => {
      const path = stage.at("/pages/home", (_request, response) =>
        response
          .writeHead(
            200,
            [
              ["set-cookie", "XSRF-TOKEN=a"],
              ["set-cookie", "laravel_session=b"],
            ].flat(),
          )
          .end("home"),
      );
      const first = await stage.get(path);
      assert.deepEqual(first.headers["set-cookie"], ["XSRF-TOKEN=a", "laravel_session=b"]);
      const second = await stage.hit(() => stage.get(path));
      assert.deepEqual([second.text, second.headers["set-cookie"]], ["home", undefined]);
    },
  },
  {
    report: "spatie/laravel-responsecache#104",
    wrong: "everybody got the CSRF token of the first visitor, so every form was refused",
    run: async () => {
      let tokens = 0;
      const path = stage.at("/api/form", (_request, response) => {
        tokens += 1;
        response.writeHead(200, { "set-cookie": `session=${tokens}` }).end(`token ${tokens}`);
      });
      for (const token of ["token 1", "token 2"]) {
        assert.equal((await stage.get(path)).text, token);
        await stage.settle();
      }
      const open = stage.at("/api/no-form", 200, {}, "no form");
      await stage.hit(() => stage.get(open));
    },
  },
  {
    report: "Wikia/mercury#1827",
    wrong: "a page seen before the sign-in was served after it, although it varies by cookie",
    run: async () => {
      const path = stage.fresh(who, { vary: "Cookie" });
      await stage.eachItsOwn(
        [
          ["nobody", {}],
          ["ada", session("ada")],
          ["bob", session("bob")],
        ],
        (headers) => stage.get(path, headers),
      );
      const plain = stage.fresh(() => "plain");
      await stage.hit(() => stage.get(plain));
    },
  },
  {
    report: "jonbaldie/varnish#38",
    wrong: "a request with Authorization and no cookie was hashed like any other (RFC 9111 §3.5)",
    run: async () => {
      const path = stage.fresh(who);
      for (const method of ["GET", "HEAD"]) {
        const headers = bearer("ada");
        assert.notEqual((await stage.send(method, path, { headers })).xCache, "HIT");
        await stage.settle();
      }
      assert.equal((await stage.get(path)).text, "nobody");
      assert.equal((await stage.get(path, bearer("bob"))).text, "bob");
      assert.equal((await stage.hit(() => stage.get(path))).text, "nobody");
    },
  },
  {
    report: "apollographql/router#4855",
    wrong: "an answer marked private needs an identity in its key, or must not be stored",
    run: async () => {
      let version = 0;
      const api = stage.graph(SDL("inbox"), () => ({ inbox: { id: "1", name: `${++version}` } }));
      const ask = () => api.data("{ inbox { name } }");
      api.headers = { "cache-control": "private, max-age=600" };
      assert.notDeepEqual(await ask(), await ask());
      api.headers = { "cache-control": "max-age=600" };
      assert.deepEqual(await api.stored("{ inbox { name } }"), await ask());
    },
  },
  {
    report: "nuwave/lighthouse#843",
    wrong: "a field that is cached for each user failed for guests",
    run: async () => {
      const api = stage.graph(SDL("game"), says("game"));
      const ask = (headers) => api.post("{ game { name } }", { headers });
      await stage.eachItsOwn(
        [
          [named("game", "nobody"), {}],
          [named("game", "ada"), bearer("ada")],
        ],
        ask,
      );
      for (const headers of [{}, bearer("ada")]) assert.equal((await ask(headers)).xCache, "HIT");
    },
  },
  {
    report: "patrixr/strapi-middleware-cache#41",
    wrong: "once an answer was stored, nobody was refused any more",
    run: async () => {
      const path = stage.at("/account/model", (request, response) =>
        response.writeHead(who(request) === "ada" ? 200 : 403).end(who(request)),
      );
      assert.equal((await stage.hit(() => stage.get(path, bearer("ada")))).status, 200);
      for (const headers of [{}, bearer("eve"), session("eve"), { ...bearer("eve"), ...session("ada") }])
        assert.equal((await stage.get(path, headers)).status, 403, JSON.stringify(headers));
    },
  },
  {
    report: "FundRequest/platform#109",
    wrong: "what a user had seen was still there after the sign-out, for whoever had the old session",
    run: async () => {
      let signedIn = true;
      const path = stage.at("/account/me", (_request, response) =>
        response.writeHead(signedIn ? 200 : 401).end(signedIn ? "ada" : "nobody"),
      );
      stage.at("/logout", (_request, response) => {
        signedIn = false;
        response.writeHead(204, { "set-cookie": "session=; Max-Age=0" }).end();
      });
      const ask = (name) => stage.get(path, session(name));
      await stage.hit(() => ask("old"));
      await stage.hit(() => ask("other"));
      await stage.send("POST", "/logout", { headers: session("old") });
      assert.equal((await ask("old")).status, 401);
      assert.equal((await ask("other")).xCache, "HIT");
    },
  },
]);
