// Public bug reports of keys that left out what an answer depends on, or held what it does not.

import assert from "node:assert/strict";
import { replay, Stage } from "../lib/replay.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    graphql: { paths: ["/graphql/**"] },
    types: {
      api: { match: ["rest:/api/**"], ttl: 600 },
      threads: { match: ["rest:/threads/**"], ttl: 600, scope: "thread" },
      mine: { match: ["rest:/mine/**"], ttl: 600, scope: "user" },
    },
    scopes: {
      thread: { by: ["header:x-container", "header:x-thread"] },
      user: { by: ["header:authorization"] },
    },
    purge: { max_lag: 60 },
  },
});
const stage = new Stage(world);
const numbers = () =>
  stage.graph(
    `type Pair { left: Int right: Int } type Query { a: Int b: Int number(n: Int, list: [Int]): Int pair: Pair }`,
    () => ({ a: 1, b: 2, number: ({ n, list }) => n ?? list?.[0] ?? -1, pair: { left: 1, right: 2 } }),
  );

/** Each request's data, first when nothing is stored, then from the cache. */
async function eachItsAnswer(requests, ask) {
  for (const [members, data] of requests)
    assert.deepEqual(JSON.parse((await ask(members)).text).data, data, JSON.stringify(members));
  for (const [members, data] of requests)
    assert.deepEqual(JSON.parse((await stage.hit(() => ask(members))).text).data, data);
}

replay([
  {
    report: "directus/directus#7298",
    wrong: "GETs of GraphQL with different fields had one key",
    run: async () => {
      const api = numbers();
      const requests = [
        [{ query: "{ a }" }, { a: 1 }],
        [{ query: "{ b }" }, { b: 2 }],
        [{ query: "{ a b }" }, { a: 1, b: 2 }],
        [{ query: "{ x: a }" }, { x: 1 }],
      ];
      await eachItsAnswer(requests, (members) => api.get(members));
    },
  },
  {
    report: "directus/directus#15599",
    wrong: "the key was made from the URL's query alone, so every POST was answered by introspection",
    run: async () => {
      const api = numbers();
      await stage.hit(() => api.post("{ __schema { queryType { name } } }"));
      const requests = [
        [{ query: "{ a }" }, { a: 1 }],
        [{ query: "{ pair { left } }" }, { pair: { left: 1 } }],
        [{ query: "{ pair { right } }" }, { pair: { right: 2 } }],
      ];
      await eachItsAnswer(requests, (members) => api.send(members));
    },
  },
  {
    report: "ardatan/graphql-mesh#4752",
    wrong: "the key was the address, which is the same for all of GraphQL",
    run: async () => {
      const [one, other] = [numbers(), stage.graph("type Query { a: Int }", () => ({ a: 9 }))];
      assert.deepEqual(await one.stored("{ a }"), { a: 1 });
      assert.deepEqual(await other.stored("{ a }"), { a: 9 });
      assert.deepEqual(await one.stored("{ b }"), { b: 2 });
    },
  },
  {
    report: "sveltejs/kit#7545",
    wrong: "POSTs with other bodies were answered by what was stored for the address",
    run: async () => {
      const path = stage.at("/api/search", (request, response, body) =>
        response.writeHead(200, { "cache-control": "max-age=600" }).end(`${request.method} ${body}`),
      );
      for (const body of ["one", "two", "one"])
        assert.equal((await stage.send("POST", path, { body })).text, `POST ${body}`);
      assert.equal((await stage.hit(() => stage.get(path))).text, "GET ");
      assert.equal((await stage.send("POST", path, { body: "two" })).text, "POST two");
    },
  },
  {
    report: "the-hideout/tarkov-api#94",
    wrong: "variables were no part of the key",
    run: async () => {
      const api = numbers();
      const query = "query ($n: Int) { number(n: $n) }";
      const requests = [1, 2, -3].map((n) => [{ query, variables: { n } }, { number: n }]);
      await eachItsAnswer(requests, (members) => api.send(members));
      await eachItsAnswer(requests, (members) => api.get(members));
    },
  },
  {
    report: "graphql-hive/envelop#748",
    wrong: "the key left out operationName, and depended on the order of variables",
    run: async () => {
      const api = numbers();
      const query = "query A { a } query B { b }";
      const requests = [
        [{ query, operationName: "A" }, { a: 1 }],
        [{ query, operationName: "B" }, { b: 2 }],
      ];
      await eachItsAnswer(requests, (members) => api.send(members));
      const ordered = "query ($n: Int, $list: [Int]) { number(n: $n, list: $list) }";
      await api.send({ query: ordered, variables: { n: 1, list: [2] } });
      await stage.hit(() => api.send({ query: ordered, variables: { list: [2], n: 1 } }));
    },
  },
  {
    report: "hasura/graphql-engine#3097",
    wrong: "a variable that only @include or @skip uses did not count",
    run: async () => {
      const api = numbers();
      const query = "query ($with: Boolean!) { a b @include(if: $with) c: b @skip(if: $with) }";
      const requests = [
        [
          { query, variables: { with: true } },
          { a: 1, b: 2 },
        ],
        [
          { query, variables: { with: false } },
          { a: 1, c: 2 },
        ],
      ];
      await eachItsAnswer(requests, (members) => api.send(members));
    },
  },
  {
    report: "apollographql/apollo-kotlin#5186",
    wrong: "a default value in the operation was no part of the key",
    run: async () => {
      const api = numbers();
      const query = (n) => `query ($n: Int! = ${n}) { number(n: $n) }`;
      const requests = [
        [{ query: query(42) }, { number: 42 }],
        [{ query: query(43) }, { number: 43 }],
      ];
      await eachItsAnswer(requests, (members) => api.send(members));
      await stage.hit(() => api.send({ query: query(43), variables: { n: 42 } }));
    },
  },
  {
    report: "hasura/graphql-engine#6770",
    wrong: "queries with variables were not cached at all",
    run: async () => {
      const api = numbers();
      const query = "query ($n: Int) { number(n: $n) }";
      assert.deepEqual(await api.stored(query, { variables: { n: 5 } }), { number: 5 });
    },
  },
  {
    report: "thadeusb/flask-cache#104",
    wrong: "the query string was no part of the key",
    run: async () => {
      const path = stage.fresh(({ url }) => url);
      for (const query of ["", "?page=1", "?page=2", "?page=1&page=2", "?page=2&page=1", "?page", "?page="]) {
        assert.equal((await stage.get(`${path}${query}`)).text, `${path}${query}`);
        await stage.settle();
        await stage.hit(() => stage.get(`${path}${query}`));
      }
    },
  },
  {
    report: "Archomeda/Gw2Sharp#1",
    wrong: "the credential was no part of the key, so accounts shared the endpoints",
    run: async () => {
      const path = stage.at("/mine/account", ({ headers, url }, response) =>
        response.writeHead(200).end(`${url} ${headers.authorization ?? "none"}`),
      );
      const callers = ["Bearer a", "Bearer b", undefined];
      const ask = (authorization, query = "") =>
        stage.get(`${path}${query}`, authorization ? { authorization } : {});
      for (const caller of callers) {
        await ask(caller);
        const { text } = await stage.hit(() => ask(caller));
        assert.equal(text, `${path} ${caller ?? "none"}`);
      }
      for (const token of ["a", "b"])
        assert.ok((await ask(undefined, `?access_token=${token}`)).text.includes(`=${token} `));
    },
  },
  {
    report: "supermemoryai/supermemory#1679",
    wrong: "parts of the key were joined by colons, which they may contain, so two callers had one key",
    run: async () => {
      const path = stage.at("/threads/memory", ({ headers }, response) =>
        response.writeHead(200).end(`${headers["x-container"]}|${headers["x-thread"]}`),
      );
      const pairs = [
        ["user:123", "456"],
        ["user", "123:456"],
        ["user:123:456", ""],
        ["", "user:123:456"],
      ];
      const ask = ([container, thread]) => stage.get(path, { "x-container": container, "x-thread": thread });
      for (const pair of pairs) assert.equal((await ask(pair)).text, pair.join("|"));
      for (const pair of pairs) assert.equal((await stage.hit(() => ask(pair))).text, pair.join("|"));
    },
  },
  {
    report: "nitrojs/nitro#1238",
    wrong: "the body of a request did not reach the handler once caching was on",
    run: async () => {
      const path = stage.at("/api/form", (_request, response, body) => response.end(`got ${body}`));
      const body = "x".repeat(100_000);
      assert.equal((await stage.send("POST", path, { body })).text, `got ${body}`);
      const api = numbers();
      await api.post("{ a }", { variables: {} });
      assert.equal(api.ran.length, 1);
      await stage.hit(() => api.post("{ a }", { variables: {} }));
    },
  },
  {
    report: "nitrojs/nitro#783",
    wrong: "the headers of a request did not reach the handler once caching was on",
    run: async () => {
      const path = stage.at("/mine/headers", ({ headers }, response) =>
        response.end(`${headers.authorization} ${headers["accept-language"]} ${headers.accept}`),
      );
      const headers = { authorization: "Bearer ada", "accept-language": "de", accept: "application/json" };
      assert.equal((await stage.get(path, headers)).text, "Bearer ada de application/json");
      await stage.hit(() => stage.get(path, headers));
    },
  },
  {
    report: "statamic/cms#5389",
    wrong: "the token of a preview stood in the URL of a POST, which was no part of the key",
    run: async () => {
      const api = numbers();
      await api.stored("{ a }");
      const plain = api.path;
      let version = 0;
      stage.at(plain, (request, response) => {
        version += request.url.includes("token") ? 1 : 0;
        response
          .writeHead(200, { "content-type": "application/json" })
          .end(JSON.stringify({ data: { a: request.url.includes("token=draft") ? version : 1 } }));
      });
      const preview = () =>
        stage.send("POST", `${plain}?token=draft`, {
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ query: "{ a }" }),
        });
      await preview();
      const { text } = await preview();
      assert.ok(version >= 1 && text.includes(`"a":${version}`), text);
      assert.equal((await stage.hit(() => api.post("{ a }"))).text, '{"data":{"a":1}}');
    },
  },
  {
    report: "mozilla/addons#1344",
    wrong: "Accept-Language was in every key, and split what does not depend on it",
    run: async () => {
      const path = stage.fresh(() => "the same in every language");
      await stage.get(path, { "accept-language": "de" });
      await stage.hit(() => stage.get(path, { "accept-language": "fr-CH, fr;q=0.9" }));
      const api = numbers();
      await api.post("{ a }", { headers: { "accept-language": "de" } });
      await stage.hit(() => api.post("{ a }", { headers: { "accept-language": "fr" } }));
    },
  },
]);
