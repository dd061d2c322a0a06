// What the purge log writes down, and starts from: pages and a bounded number of records, whatever
// an older version left, and another log where the storage is an older one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const PURGES = 400;
const IDS = 10_000;

/** The log, with counts of the rows that it reads, and routes that change what it has written. */
const entry = `
import worker, { PurgeLog as Log } from "./index.js";

let copy;
/** What each object of this process has read. The runtime may replace one that has nothing to do for a while. */
const reads = [];

/** A state whose SQL counts the rows that it hands out, and what they hold. */
function counted(state, read) {
  const note = (table, row) => {
    const bytes = row.reduce((sum, value) => sum + (value?.length ?? value?.byteLength ?? 8), 0);
    const so_far = (read[table] ??= { rows: 0, bytes: 0, longest: 0 });
    so_far.rows += 1;
    so_far.bytes += bytes;
    so_far.longest = Math.max(so_far.longest, bytes);
  };
  const exec = (query, ...values) => {
    const cursor = state.storage.sql.exec(query, ...values);
    const table = / FROM (\\w+)/.exec(query)?.[1] ?? "none";
    return {
      toArray: () => cursor.toArray(),
      *raw() {
        for (const row of cursor.raw()) {
          note(table, row);
          yield row;
        }
      },
    };
  };
  const over = (object, own) =>
    new Proxy(object, {
      get(target, name) {
        if (name in own) return own[name];
        const value = target[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return over(state, { storage: over(state.storage, { sql: { exec } }) });
}

export class PurgeLog extends Log {
  #state;

  constructor(state, env) {
    const read = {};
    super(counted(state, read), env);
    this.#state = state;
    reads.push(read);
  }

  async fetch(request) {
    const { pathname } = new URL(request.url);
    const { sql } = this.#state.storage;
    const tables = ["records", "pages", "meta"];
    switch (pathname) {
      case "/test-fill":
        return Response.json(fill(sql));
      case "/test-show": {
        const meta = Object.fromEntries([...sql.exec("SELECT name, value FROM meta").raw()]);
        const counts = tables.map((table) => [table, sql.exec("SELECT count(*) AS n FROM " + table).one().n]);
        return Response.json({ meta, read: reads[0], rows: Object.fromEntries(counts) });
      }
      case "/test-lose-pages":
        sql.exec("DELETE FROM pages");
        return Response.json({});
      case "/test-copy":
        copy = tables.map((table) => [table, [...sql.exec("SELECT * FROM " + table).raw()]]);
        return Response.json({});
      case "/test-roll-back":
        for (const [table, rows] of copy) {
          sql.exec("DELETE FROM " + table);
          for (const row of rows)
            sql.exec("INSERT INTO " + table + " VALUES (" + row.map(() => "?") + ")", ...row);
        }
        await this.#state.storage.sync();
        this.#state.abort("rolled back");
    }
    return super.fetch(request);
  }
}

/** Rows as a version without pages left them. */
function fill(sql) {
  sql.exec("CREATE TABLE records (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL)");
  sql.exec("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
  sql.exec("INSERT INTO meta VALUES ('epoch', '1234567890123456')");
  const below = (limit) => Math.floor(Math.random() * limit);
  const hash = () => String(1 + below(1.8e9)) + String(below(1e10)).padStart(10, "0");
  for (let seq = 1; seq <= ${PURGES}; seq += 1) {
    const record = '{"t":[' + Array.from({ length: ${IDS} }, hash).join() + "]}";
    sql.exec("INSERT INTO records VALUES (?, ?, ?)", seq, Date.now(), record);
  }
  return {};
}

export default {
  fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/test-")) return worker.fetch(request, env, context);
    const log = env.PURGE_LOG.get(env.PURGE_LOG.idFromName("test"));
    return log.fetch("https://purge-log" + pathname).catch((error) => Response.json({ error: String(error) }));
  },
};
`;

const world = await startWorld({
  entry,
  config: {
    types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
    purge: { max_lag: 1 },
  },
});
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end("{}");

const log = async (route = "show") => (await world.ask(`/test-${route}`)).json;
const purge = async (...paths) => (await world.admin("purge", { body: { paths } })).json.seq;

async function store(path) {
  await world.ask(path);
  await world.until(async () => (await world.ask(path)).xCache === "HIT", `${path} is stored`);
}

/** Asks until the answer is no longer that of before. */
async function untilNotAHit(path) {
  let answer;
  const isGone = async () => {
    answer = await world.ask(path);
    return answer.xCache !== "HIT";
  };
  await world.until(isGone, `${path} is purged`);
  return answer;
}

test("a log starts from rows that a version without pages left, row by row and once", async () => {
  await log("fill");
  await world.restart();
  assert.equal(await purge("/api/products/0"), PURGES + 1);
  const first = await log();
  assert.equal(first.meta.epoch, "1234567890123456");
  assert.equal(first.read.records.rows, PURGES);
  assert.ok(first.read.records.longest < 300_000);
  assert.equal(first.rows.pages, 129);
  assert.ok(first.rows.records <= 4, `${first.rows.records} records are left`);

  await world.restart();
  assert.equal(await purge("/api/products/0"), PURGES + 2);
  const { pages, records } = (await log()).read;
  assert.equal(pages.rows, 129);
  assert.ok(pages.longest < 50_000 && pages.bytes < 4_000_000, JSON.stringify(pages));
  assert.ok(records.rows <= 4 && records.bytes < 1_000_000, JSON.stringify(records));
});

test("what it started from judges entries", async () => {
  await store("/api/products/a");
  await store("/api/products/b");
  await purge("/api/products/a");
  await world.restart();
  assert.match((await world.ask("/api/products/a")).cacheStatus, /detail=purged$/);
  assert.equal((await world.ask("/api/products/b")).xCache, "HIT");
});

test("entries from before a record that nobody knows any more are gone", async () => {
  const last = await purge("/api/products/c");
  await store("/api/products/a");
  const { meta } = await log("lose-pages").then(() => log());
  await world.restart();
  assert.equal((await world.ask("/api/products/a")).xCache, "HIT");
  assert.ok(Number(meta.floor) < last);
  assert.match((await world.ask("/api/products/b")).cacheStatus, /^evergraph; (hit|fwd=miss)/);
});

test("a log whose storage is an older one is another log, and nothing of before is served", async () => {
  await store("/api/products/a");
  const { meta } = await log("copy").then(() => log());
  const lost = await purge("/api/products/z");
  assert.equal((await world.ask("/api/products/a")).xCache, "HIT");
  await log("roll-back");
  // This isolate knows the record that was lost. It asks within `max_lag`.
  assert.match((await untilNotAHit("/api/products/a")).cacheStatus, /detail=purged$/);
  const after = await log();
  assert.notEqual(after.meta.epoch, meta.epoch);
  await store("/api/products/a");
  assert.equal(await purge("/api/products/y"), lost + 1);
  assert.equal((await world.ask("/api/products/a")).xCache, "HIT");
  assert.equal(world.events("failure").filter(({ part }) => part === "purge-log-storage").length, 1);
});
