// Public bug reports of what should not have been stored, and of what came out of the store
// otherwise than it went in.

import assert from "node:assert/strict";
import { after } from "node:test";
import { replay, Stage } from "../lib/replay.mjs";
import { open, RawOrigin } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const config = {
  graphql: { paths: ["/graphql/**"] },
  types: {
    api: { match: ["rest:/api/**"], ttl: 600 },
    never: { match: ["graphql:Query.clock"], ttl: 0 },
    letters: { match: ["graphql:Letter"], ttl: 600, scope: "user" },
  },
  scopes: { user: { by: ["header:authorization", "cookie:session"] } },
  purge: { max_lag: 60 },
};
const world = await startWorld({ config });
const stage = new Stage(world);
const FRESH = { "cache-control": "max-age=600" };
const MULTIPART = 'multipart/mixed; boundary="-"';
let paths = 0;
/** A path of a type, which is stored whatever the origin's headers say of lifetimes. */
const typed = (...answer) => {
  paths += 1;
  return stage.at(`/api/${paths}`, ...answer);
};

replay([
  {
    report: "graphql-hive/envelop#761",
    wrong: "answers with errors were stored, and served when the fault was over",
    run: async () => {
      let fails = true;
      const api = stage.graph("type Query { now: Int wants: Int! }", () => ({
        now: () => {
          if (fails) throw new Error("down");
          return 1;
        },
        wants: () => (fails ? null : 1),
      }));
      for (const query of ["{ now }", "{ wants }"]) {
        fails = true;
        for (let n = 0; n < 2; n += 1) assert.match((await api.post(query)).text, /"errors"/);
        fails = false;
        assert.doesNotMatch((await api.post(query)).text, /"errors"/);
        await stage.hit(() => api.post(query));
      }
    },
  },
  {
    report: "graphql-hive/graphql-yoga#3033",
    wrong: "what must not be cached was written to the cache all the same",
    run: async () => {
      const api = stage.graph("type Query { clock: Int day: Int }", () => ({ clock: 1, day: 2 }));
      const isWritten = (name) => [...world.kv.entries.keys()].some((key) => key.includes(`/${name}/`));
      for (let n = 0; n < 2; n += 1)
        assert.notEqual((await api.post("query Clock { day clock }")).xCache, "HIT");
      await stage.hit(() => api.post("query Day { day }"));
      await world.until(() => isWritten("Day"), "what may be cached is written");
      assert.ok(!isWritten("Clock"));
    },
  },
  {
    report: "craftcms/cms#6410",
    wrong: "the same mutation for the second time did not run, and was answered from the cache",
    run: async () => {
      let count = 0;
      const api = stage.graph("type Query { count: Int } type Mutation { add: Int }", () => ({
        count: () => count,
        add: () => {
          count += 1;
          return count;
        },
      }));
      for (const expected of [1, 2, 3]) {
        assert.deepEqual(await api.data("mutation { add }"), { add: expected });
        assert.deepEqual(await api.stored("{ count }"), { count: expected });
      }
    },
  },
  {
    report: "craftcms/cms#19284",
    wrong: "a mutation was taken for a query, for another operation of the document came first",
    run: async () => {
      let count = 0;
      const api = stage.graph("type Query { count: Int } type Mutation { add: Int }", () => ({
        count: () => count,
        add: () => {
          count += 1;
          return count;
        },
      }));
      const query = "query Read { count } mutation Write { add }";
      for (const expected of [1, 2]) {
        assert.deepEqual(await api.data(query, { operationName: "Write" }), { add: expected });
        assert.deepEqual(await api.stored(query, { operationName: "Read" }), { count: expected });
      }
    },
  },
  {
    report: "graphql-hive/envelop#1122",
    wrong: "answers in parts (@defer, @stream) did not fit a cache of whole answers",
    run: async () => {
      const part = (json) => `\r\n---\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(json)}`;
      let version = 0;
      const answer = (_request, response) => {
        version += 1;
        response.writeHead(200, { "content-type": MULTIPART, ...FRESH });
        response.write(part({ data: { slow: {} }, hasNext: true }));
        response.end(`${part({ incremental: [{ data: { version } }], hasNext: false })}\r\n-----\r\n`);
      };
      const api = stage.graph("type Slow { version: Int } type Query { slow: Slow }", () => ({
        slow: { version: 0 },
      }));
      const query = "{ slow { ... @defer { version } } }";
      await stage.hit(() => api.post("{ slow { version } }"));
      stage.at(api.path, answer);
      for (const expected of [1, 2]) {
        const { text } = await api.post(query, { headers: { accept: MULTIPART } });
        assert.ok(text.includes(`"version":${expected}`) && text.endsWith("-----\r\n"), text);
      }
    },
  },
  {
    report: "graphql-hive/graphql-yoga#3006",
    wrong: "the cache of answers did not get on with subscriptions",
    run: async () => {
      let events = 0;
      const api = stage.graph("type Query { ticks: Int } type Subscription { ticks: Int }", () => ({
        ticks: 7,
      }));
      await stage.hit(() => api.post("{ ticks }"));
      stage.at(api.path, (_request, response) => {
        events += 1;
        response
          .writeHead(200, { "content-type": "text/event-stream", ...FRESH })
          .end(`event: next\ndata: {"data":{"ticks":${events}}}\n\nevent: complete\ndata:\n\n`);
      });
      for (const expected of [1, 2]) {
        const headers = { accept: "text/event-stream" };
        const answer = await api.post("subscription { ticks }", { headers });
        assert.ok(answer.text.includes(`"ticks":${expected}`), answer.text);
      }
    },
  },
  {
    report: "graphql-hive/envelop#2815",
    wrong: "a private type behind a union was shared, for the document does not show it",
    run: async () => {
      const sdl = `
        type Letter { id: ID! text: String } type Post { id: ID! text: String }
        union Found = Letter | Post  type Query { found(kind: String): Found }`;
      const api = stage.graph(sdl, ({ headers }) => ({
        found: ({ kind }) => ({ __typename: kind, id: "1", text: `${kind} ${headers.cookie ?? "none"}` }),
      }));
      const query =
        "query ($kind: String) { found(kind: $kind) { ... on Letter { text } ... on Post { text } } }";
      const ask = (kind, headers) => api.post(query, { variables: { kind }, headers });
      for (const cookie of [undefined, "session=ada", undefined, "session=bob"]) {
        const answer = await ask("Letter", cookie ? { cookie } : {});
        assert.ok(answer.text.includes(`Letter ${cookie ?? "none"}`), answer.text);
      }
      await stage.hit(() => ask("Post"));
    },
  },
  {
    report: "darkweak/souin#83",
    wrong: "a 404 came out of the cache as a 200",
    run: async () => {
      const path = stage.add(404, FRESH, "nothing here");
      const { status, text } = await stage.hit(() => stage.get(path));
      assert.deepEqual([status, text], [404, "nothing here"]);
    },
  },
  {
    report: "Iamcerba/AspNetCore.CacheOutput#30",
    wrong: "a 204 came out of the cache as a 200 without a body, which is no JSON",
    run: async () => {
      const path = stage.add(204, FRESH);
      const { status, text } = await stage.hit(() => stage.get(path));
      assert.deepEqual([status, text], [204, ""]);
    },
  },
  {
    report: "Shopify/response_bank#4",
    wrong: "a stored 301 had lost its Location",
    run: async () => {
      const path = stage.add(301, { ...FRESH, location: "/elsewhere" });
      const { status, headers } = await stage.hit(() => stage.get(path));
      assert.deepEqual([status, headers.location], [301, "/elsewhere"]);
    },
  },
  {
    report: "openresty/srcache-nginx-module#32",
    wrong: "Location was relative on a miss and absolute on a hit",
    run: async () => {
      const path = stage.add(302, { ...FRESH, location: "/categories/non-gmo-2/products" });
      const first = await stage.get(path);
      const second = await stage.hit(() => stage.get(path));
      assert.equal(second.headers.location, first.headers.location);
      assert.equal(second.headers.location, "/categories/non-gmo-2/products");
    },
  },
  {
    report: "caddyserver/caddy#1011",
    wrong: "a redirect showed the address by which the proxy reaches its upstream",
    run: async () => {
      const path = stage.add(302, { ...FRESH, location: `${world.origin.url}/number/42/` });
      for (const ask of [() => stage.get(path), () => stage.hit(() => stage.get(path))])
        assert.equal((await ask()).headers.location, world.url("/number/42/"));
    },
  },
  {
    report: "apache/shenyu#6505",
    wrong: "all headers but Content-Type were lost on a hit",
    run: async () => {
      const said = {
        ...FRESH,
        "content-type": "application/vnd.shop+json; charset=utf-8",
        "content-language": "de",
        "content-disposition": 'attachment; filename="a.json"',
        "content-security-policy": "default-src 'none'",
        link: "</next>; rel=next",
        "x-total-count": "42",
      };
      const path = stage.add(200, said, "{}");
      const { headers } = await stage.hit(() => stage.get(path));
      for (const [name, value] of Object.entries(said)) assert.equal(headers[name], value, name);
    },
  },
  {
    report: "bradoyler/route-cache#59",
    wrong: "hits had no Content-Type of their own",
    run: async () => {
      for (const type of ["image/svg+xml", "text/csv; charset=latin1", "application/problem+json"]) {
        const path = typed(200, { "content-type": type }, "body");
        assert.equal((await stage.hit(() => stage.get(path))).headers["content-type"], type);
      }
    },
  },
  {
    report: "r-lib/httr2#278",
    wrong: "Content-Type was gone once an entry had been validated by a 304 without it",
    run: async () => {
      const path = stage.add((request, response) =>
        request.headers["if-none-match"] === '"a"'
          ? response.writeHead(304, { etag: '"a"' }).end()
          : response
              .writeHead(200, { etag: '"a"', "cache-control": "no-cache", "content-type": "text/csv" })
              .end("a,b"),
      );
      await stage.get(path);
      let answer;
      await world.until(async () => {
        answer = await stage.get(path);
        return answer.xCache === "REVALIDATED";
      }, "it is validated");
      assert.deepEqual([answer.text, answer.headers["content-type"]], ["a,b", "text/csv"]);
    },
  },
  {
    report: "tempesta-tech/tempesta#416",
    wrong: "the answer to a HEAD was stored, and a GET got it without a body",
    run: async () => {
      const path = stage.fresh(() => "body");
      await stage.send("HEAD", path);
      await stage.settle();
      assert.equal((await stage.get(path)).text, "body");
      assert.equal((await stage.hit(() => stage.get(path))).text, "body");
      const head = await stage.send("HEAD", path);
      assert.deepEqual([head.status, head.text, head.xCache], [200, "", "HIT"]);
    },
  },
  {
    report: "addisonj/node-cacher#24",
    wrong: "clients that had nothing in their caches got 304 and an empty page",
    run: async () => {
      const path = stage.add((request, response) =>
        request.headers["if-none-match"] || request.headers["if-modified-since"]
          ? response.writeHead(304, { etag: '"a"', ...FRESH }).end()
          : response.writeHead(200, { etag: '"a"', ...FRESH }).end("page"),
      );
      const known = await stage.get(path, { "if-none-match": '"a"' });
      assert.equal(known.status, 304);
      await stage.settle();
      for (let n = 0; n < 2; n += 1) {
        const { status, text } = await stage.get(path);
        assert.deepEqual([status, text], [200, "page"]);
        await stage.settle();
      }
      await stage.hit(() => stage.get(path));
    },
  },
  {
    report: "fabiocicerchia/go-proxy-cache#265",
    wrong: "a part (206) was stored as the whole, and a request for a part was answered with the whole",
    run: async () => {
      const path = stage.add((request, response) => {
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
        if (!range) return response.writeHead(200, { ...FRESH, etag: '"a"' }).end("0123456789");
        const [from, to] = [Number(range[1]), Number(range[2])];
        response
          .writeHead(206, { ...FRESH, etag: '"a"', "content-range": `bytes ${from}-${to}/10` })
          .end("0123456789".slice(from, to + 1));
      });
      const part = () => stage.get(path, { range: "bytes=2-4" });
      for (const ask of [part, part]) {
        const { status, text, headers } = await ask();
        assert.deepEqual([status, text, headers["content-range"]], [206, "234", "bytes 2-4/10"]);
        await stage.settle();
      }
      assert.equal((await stage.get(path)).text, "0123456789");
      assert.equal((await stage.hit(() => stage.get(path))).text, "0123456789");
      const last = await stage.hit(part);
      assert.deepEqual([last.status, last.text], [206, "234"]);
    },
  },
  {
    report: "macports/macports-webapp#378",
    wrong: "a 504 that lasted seconds was served for minutes",
    run: async () => {
      for (const status of [502, 504]) {
        let fails = true;
        const path = typed((_request, response) =>
          response.writeHead(fails ? status : 200).end(fails ? "late" : "good"),
        );
        assert.equal((await stage.get(path)).status, status);
        await stage.settle();
        fails = false;
        assert.equal((await stage.get(path)).text, "good");
        await stage.hit(() => stage.get(path));
      }
    },
  },
  {
    report: "forem/forem#23717",
    wrong: "a 401 that allows caching was stored, and served to those whose key is good",
    run: async () => {
      for (const status of [401, 403, 407, 429]) {
        const path = stage.add((request, response) => {
          const good = request.headers["api-key"] === "good";
          response.writeHead(good ? 200 : status, { "cache-control": "public, max-age=30" }).end();
        });
        assert.equal((await stage.get(path)).status, status);
        await stage.settle();
        assert.notEqual((await stage.get(path)).xCache, "HIT", `${status}`);
        assert.equal((await stage.get(path, { "api-key": "good" })).status, 200);
      }
      const gone = stage.add(410, FRESH);
      await stage.hit(() => stage.get(gone));
    },
  },
  {
    report: "wp-graphql/wp-graphql-smart-cache#143",
    wrong: "in a batch one stored answer stood for all of them",
    run: async () => {
      const api = stage.graph("type Query { number(n: Int!): Int }", () => ({ number: ({ n }) => n }));
      const element = (n) => ({ query: "query ($n: Int!) { number(n: $n) }", variables: { n } });
      const answer = (n) => ({ data: { number: n } });
      await stage.hit(() => api.send(element(2)));
      for (const numbers of [
        [1, 2, 3],
        [3, 2, 1],
        [2, 2],
        [4, 1],
      ]) {
        const { text } = await api.send(numbers.map(element));
        assert.deepEqual(JSON.parse(text), numbers.map(answer));
      }
      await stage.hit(() => api.send([element(1), element(2), element(3), element(4)]));
    },
  },
  {
    report: "apollographql/apollo-cache-control-js#5",
    wrong: "in a batch the caching hints of one answer were those of all of them",
    run: async () => {
      const api = stage.graph("type Query { a: Int b: Int }", () => ({ a: 1, b: 2 }));
      stage.at(api.path, (_request, response, body) => {
        const one = ({ query }) => {
          const isPrivate = query.includes("b");
          const cacheControl = { version: 1, hints: [], ...(isPrivate ? { scope: "PRIVATE" } : {}) };
          return { data: isPrivate ? { b: 2 } : { a: 1 }, extensions: { cacheControl } };
        };
        const members = JSON.parse(body);
        response
          .writeHead(200, { "content-type": "application/json" })
          .end(JSON.stringify(Array.isArray(members) ? members.map(one) : one(members)));
      });
      await api.send([{ query: "{ a }" }, { query: "{ b }" }]);
      await stage.hit(() => api.post("{ a }"));
      assert.notEqual((await api.post("{ b }")).xCache, "HIT");
    },
  },
  {
    report: "apache/incubator-pagespeed-mod#1287",
    wrong: "the Age that an upstream cache had said was forgotten, and s-maxage not looked at",
    run: async () => {
      const path = stage.add(200, { "cache-control": "max-age=10, s-maxage=1000", age: "600" }, "body");
      const { headers } = await stage.hit(() => stage.get(path));
      assert.ok(Number(headers.age) >= 600, headers.age);
      const old = stage.add(200, { "cache-control": "max-age=1000, s-maxage=60", age: "600" }, "body");
      await stage.get(old);
      await stage.settle();
      assert.notEqual((await stage.get(old)).xCache, "HIT");
    },
  },
]);

// What node's own server cannot be made to say.
const raw = await new RawOrigin().listen();
after(() => raw.close());
const rawWorld = await startWorld({ config, originUrl: raw.url });
const get = async (path, headers = {}) => {
  const answer = await open(rawWorld.url(path), { headers });
  const { bytes, broken } = await answer.rest();
  return { ...answer, text: bytes.toString(), broken, xCache: answer.headers["x-cache"] };
};
const untilHit = new Stage(rawWorld);

replay([
  {
    report: "squid-cache/squid#378",
    wrong: "a 304 with Content-Length: 0 made the stored answer one of zero bytes",
    run: async () => {
      const head = 'ETag: "a"\r\nCache-Control: no-cache\r\n';
      raw.at("/304", `HTTP/1.1 200 OK\r\n${head}Content-Length: 5\r\n\r\nHello`);
      assert.equal((await get("/304")).text, "Hello");
      await untilHit.settle();
      raw.at("/304", `HTTP/1.1 304 Not Modified\r\n${head}Content-Length: 0\r\n\r\n`);
      const { text, xCache, headers } = await get("/304");
      assert.deepEqual([text, xCache], ["Hello", "REVALIDATED"]);
      assert.notEqual(headers["content-length"], "0");
    },
  },
  {
    report: "varnishcache/varnish-cache#3560",
    wrong: "an answer that broke off became a shorter answer, whole and valid",
    run: async () => {
      const head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 10\r\n\r\n";
      raw.at("/short", `${head}12345`);
      const first = await get("/short");
      assert.ok(first.broken, "the client sees that it broke off");
      await untilHit.settle();
      raw.at("/short", `${head}1234567890`);
      assert.equal((await get("/short")).text, "1234567890");
      assert.equal((await untilHit.hit(() => get("/short"))).text, "1234567890");
    },
  },
  {
    report: "squid-cache/squid#528",
    wrong: "a chunked answer without its last chunk was stored as a whole",
    run: async () => {
      const head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n";
      raw.at("/chunked", `${head}5\r\n12345\r\n`);
      assert.ok((await get("/chunked")).broken);
      await untilHit.settle();
      raw.at("/chunked", `${head}5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n`);
      assert.equal((await get("/chunked")).text, "1234567890");
      await untilHit.hit(() => get("/chunked"));
    },
  },
]);
