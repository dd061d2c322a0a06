// Public bug reports of caches that took what stands behind them down with their store, or that
// cost more than they saved.

import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { replay, Stage } from "../lib/replay.mjs";
import { held } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  places: 2,
  config: {
    graphql: { paths: ["/graphql/**"] },
    types: {
      api: { match: ["rest:/api/**"], ttl: 600 },
      robust: { match: ["rest:/robust/**"], ttl: 1, swr: 600, sie: 600 },
    },
    kv: { timeout_ms: 50, writes: "second-request" },
    purge: { max_lag: 60 },
  },
});
const stage = new Stage(world);
const stores = [world.kv, ...world.caches];

afterEach(() => {
  for (const store of stores) store.mode = "ok";
});

/** With a store in this mode the origin answers, and what is in memory is served. */
async function answersWithout(store, modes) {
  for (const mode of modes) {
    store.mode = mode;
    for (let n = 0; n < 6; n += 1) {
      const path = stage.fresh(() => "body");
      const { status, text } = await stage.get(path);
      assert.deepEqual([status, text], [200, "body"], mode);
      assert.equal((await stage.hit(() => stage.get(path))).text, "body");
    }
  }
}

replay([
  {
    report: "ledgetech/ledge#193",
    wrong: "with its store down the cache did not ask the origin",
    run: () => answersWithout(world.kv, ["error", "reset"]),
  },
  {
    report: "BoldGrid/w3-total-cache#366",
    wrong: "a store that takes long made every page hang, and end in a 500",
    run: () => answersWithout(world.kv, ["hang", "slow"]),
  },
  {
    report: "trieb-work/nextjs-turbo-redis-cache#33",
    wrong: "pages failed with 500 while the cache could not be reached",
    run: () => answersWithout(world.caches[0], ["error", "reset", "read-only"]),
  },
  {
    report: "darkweak/storages#41",
    wrong: "a value came out of the store cut off, and was served",
    run: async () => {
      const body = "0123456789".repeat(1_000);
      const path = stage.fresh(() => body);
      await stage.get(path, {}, 1);
      await stage.hit(() => stage.get(path, {}, 1));
      const isOfPath = (key) => key.includes(path.replaceAll("/", "~").slice(1));
      const ofPath = () => [...world.kv.entries].filter(([key]) => isOfPath(key));
      await world.until(() => ofPath().length > 0, "it is written to KV");
      for (const [key, value] of ofPath()) world.kv.entries.set(key, value.subarray(0, value.length / 2));
      assert.equal((await stage.get(path)).text, body);
      assert.equal((await stage.hit(() => stage.get(path))).text, body);
    },
  },
  {
    report: "isaacs/node-lru-cache#233",
    wrong: "a refresh in the background that failed threw, in place of leaving the old value",
    run: async () => {
      let fails = false;
      const path = stage.add((_request, response) =>
        fails
          ? response.writeHead(500).end("failed")
          : response.writeHead(200, { "cache-control": "max-age=0, stale-while-revalidate=600" }).end("good"),
      );
      const stale = () =>
        world.until(async () => {
          const answer = await stage.get(path);
          return answer.xCache === "STALE" && answer.text === "good";
        }, "the old answer is served");
      await stale();
      fails = true;
      for (let n = 0; n < 4; n += 1) {
        assert.equal((await stage.get(path)).text, "good");
        await stage.settle();
      }
    },
  },
  {
    report: "fgsch/vcl-snippets#1",
    wrong: "to serve stale answers while the origin fails disabled what else is served stale",
    run: async () => {
      const { promise, release } = held();
      let says = (response) => response.writeHead(200).end("good");
      const path = stage.at("/robust/1", (_request, response) => says(response));
      await stage.hit(() => stage.get(path));
      const old = () =>
        world.until(async () => {
          const answer = await stage.get(path);
          return answer.xCache === "STALE" && answer.text === "good";
        }, "the old answer is served");
      await old();
      // An origin that takes its time keeps nobody waiting, and one that fails shows nobody.
      says = async (response) => {
        await promise;
        response.writeHead(503).end("failed");
      };
      for (let n = 0; n < 3; n += 1) await old();
      release();
      for (let n = 0; n < 3; n += 1) await old();
    },
  },
  {
    report: "the-hideout/tarkov-api#7",
    wrong: "each miss was a write to KV, until the bill made them switch the cache off",
    run: async () => {
      const before = world.kv.writes;
      const once = Array.from({ length: 10 }, () => stage.fresh(() => "asked for once"));
      for (const path of once) await stage.get(path);
      await stage.settle();
      const again = stage.fresh(() => "asked for again");
      await stage.get(again, {}, 1);
      await stage.hit(() => stage.get(again, {}, 1));
      await world.until(() => world.kv.writes > before, "what is asked for again is written");
      assert.equal(world.kv.writes, before + 1);
    },
  },
  {
    report: "apollographql/apollo-server#4877",
    wrong: "one query read the store twice, once for each key that it might have",
    run: async () => {
      const path = stage.fresh(() => "body");
      await stage.settle();
      const before = world.kv.reads;
      await stage.get(path);
      assert.ok(world.kv.reads <= before + 1, `${world.kv.reads - before} reads`);
      await stage.hit(() => stage.get(path));
      const then = world.kv.reads;
      for (let n = 0; n < 5; n += 1) assert.equal((await stage.get(path)).xCache, "HIT");
      assert.equal(world.kv.reads, then);
    },
  },
  {
    report: "msqd/harp#947",
    wrong: "50 clients at once for one cold answer were 47 requests to the origin",
    run: async () => {
      const path = stage.fresh(() => "body");
      const { promise, release } = held();
      stage.at(path, async (_request, response) => {
        await promise;
        response.writeHead(200, { "cache-control": "max-age=600" }).end("body");
      });
      const clients = Array.from({ length: 50 }, () => stage.get(path));
      await world.until(() => stage.asked(path).length > 0, "the origin is asked");
      await stage.settle();
      release();
      for (const { status, text } of await Promise.all(clients))
        assert.deepEqual([status, text], [200, "body"]);
      assert.ok(stage.asked(path).length <= 3, `${stage.asked(path).length} requests`);
      await stage.hit(() => stage.get(path));
    },
  },
  {
    report: "envoyproxy/envoy#34595",
    wrong: "who waits for the request that fills the cache has to go on when that one fails",
    run: async () => {
      const path = stage.add(200);
      const { promise, release } = held();
      let first = true;
      stage.at(path, async (request, response) => {
        if (!first) return response.writeHead(200, { "cache-control": "max-age=600" }).end("body");
        first = false;
        await promise;
        request.socket.destroy();
      });
      const clients = Array.from({ length: 10 }, () => stage.get(path));
      await world.until(() => stage.asked(path).length > 0, "the origin is asked");
      await stage.settle();
      release();
      const good = (await Promise.all(clients)).filter(({ text }) => text === "body");
      assert.ok(good.length >= 9, `${good.length} of 10`);
      await stage.hit(() => stage.get(path));
    },
  },
  {
    report: "statamic/cms#15168",
    wrong: "a HEAD ran the whole page, although the GET was in the cache",
    run: async () => {
      const path = stage.fresh(() => "body");
      await stage.hit(() => stage.get(path));
      const before = stage.asked(path).length;
      const { status, text, xCache } = await stage.send("HEAD", path);
      assert.deepEqual([status, text, xCache], [200, "", "HIT"]);
      assert.equal(stage.asked(path).length, before);
    },
  },
  {
    report: "directus/directus#8045",
    wrong: "each step in the admin's pages wrote down where the user was, and that emptied the whole cache",
    run: async () => {
      const last = { id: "7", last_page: "/a" };
      const api = stage.graph(
        `type directus_users { id: ID! last_page: String } type articles { id: ID! }
         type Query { users_me: directus_users articles: [articles!]! }
         type Mutation { update_users_me(data: String): directus_users }`,
        () => ({
          users_me: last,
          articles: [{ id: "1" }],
          update_users_me: ({ data }) => Object.assign(last, { last_page: data }),
        }),
      );
      await api.stored("{ users_me { id last_page } }");
      await api.stored("{ articles { id } }");
      await api.post('mutation { update_users_me(data: "/b") { id } }');
      assert.equal((await api.data("{ users_me { id last_page } }")).users_me.last_page, "/b");
      assert.equal((await api.post("{ articles { id } }")).xCache, "HIT");
    },
  },
  {
    report: "eamigo86/django-graphex#95",
    wrong: "mutations that were refused before they ran cleared the cache",
    run: async () => {
      const api = stage.graph(
        "type Shelf { id: ID! } type Query { shelf: Shelf } type Mutation { updateShelf: Shelf }",
        () => ({ shelf: { id: "1" }, updateShelf: { id: "1" } }),
      );
      const read = () => api.post("{ shelf { id } }");
      await stage.hit(read);
      api.status = 400;
      await api.post("mutation { updateShelf { nothing } }");
      await api.post("mutation { updateShelf { id } broken");
      assert.equal((await read()).xCache, "HIT");
      const byGet = await api.get({ query: "mutation { updateShelf { nothing } }" });
      assert.equal(byGet.status, 400);
      assert.equal((await read()).xCache, "HIT");
      api.status = 200;
      await api.post("mutation { updateShelf { id __typename } }");
      assert.notEqual((await read()).xCache, "HIT");
    },
  },
]);
