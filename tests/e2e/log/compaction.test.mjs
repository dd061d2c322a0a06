// The purge log's alarm: it drops what is no longer needed, every hour.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The log, with routes that show what it has written down, make that older, and fire its alarm. */
const entry = `
import worker, { PurgeLog as Log } from "./index.js";

export class PurgeLog extends Log {
  #storage;
  #alarms = 0;

  constructor(state, env) {
    super(state, env);
    this.#storage = state.storage;
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const rows = (query, ...values) => [...this.#storage.sql.exec(query, ...values)];
    if (pathname === "/test-age") rows("UPDATE records SET at = at - ?", Number(searchParams.get("by")));
    else if (pathname === "/test-alarm") await this.#storage.setAlarm(Date.now());
    else if (pathname !== "/test-show") return super.fetch(request);
    const meta = Object.fromEntries(rows("SELECT name, value FROM meta").map(({ name, value }) => [name, value]));
    const seqs = rows("SELECT seq FROM records ORDER BY seq").map(({ seq }) => seq);
    return Response.json({ meta, seqs, alarms: this.#alarms, alarm: await this.#storage.getAlarm() });
  }

  async alarm() {
    await super.alarm();
    this.#alarms += 1;
  }
}

export default {
  fetch(request, env, context) {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith("/test-")) return worker.fetch(request, env, context);
    return env.PURGE_LOG.get(env.PURGE_LOG.idFromName("test")).fetch("https://purge-log" + pathname + search);
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
const purge = async (tag) => (await world.admin("purge", { body: { tags: [tag] } })).json.seq;

/** Fires the alarm, and shows what the log has written down after it. */
async function afterTheAlarm() {
  const { alarms } = await log("alarm");
  await world.until(async () => (await log()).alarms > alarms, "the alarm has gone off");
  return log();
}

test("a log with records wakes within the hour, and drops none that could be needed", async () => {
  const before = Date.now();
  const [first, second] = [await purge("a"), await purge("b")];
  const { alarm } = await log();
  assert.ok(alarm > before && alarm <= Date.now() + HOUR, "it is set");
  const { seqs, alarm: next } = await afterTheAlarm();
  assert.deepEqual(seqs, [first, second]);
  assert.ok(next > Date.now() && next <= Date.now() + HOUR, "it is set again");
});

test("what is older than any entry is dropped, and entries from before it are gone", async () => {
  const path = "/api/products/1";
  await world.ask(path);
  await world.until(async () => (await world.ask(path)).xCache === "HIT", "it is stored");
  const last = (await log()).seqs.at(-1);
  const dropped = await purge("c");
  await log(`age?by=${2 * DAY}`);
  await world.restart();
  const kept = await purge("d");
  assert.equal(kept, dropped + 1);
  const { seqs, meta, alarm } = await afterTheAlarm();
  assert.deepEqual([seqs, Number(meta.floor)], [[kept], dropped]);
  assert.ok(alarm > Date.now(), "there is one left to be dropped");
  assert.ok(last < dropped);
  let answer;
  const isGone = async () => {
    answer = await world.ask(path);
    return answer.xCache !== "HIT";
  };
  await world.until(isGone, "it is older than what the log knows");
  assert.match(answer.cacheStatus, /detail=purged$/);
  assert.equal((await world.ask(path)).xCache, "HIT");
});

test("a log that has dropped everything sleeps, keeps its epoch, and goes on counting", async () => {
  const { seqs, meta } = await log();
  await log(`age?by=${2 * DAY}`);
  await world.restart();
  const empty = await afterTheAlarm();
  assert.deepEqual([empty.seqs, Number(empty.meta.floor), empty.alarm], [[], seqs.at(-1), null]);
  await world.restart();
  assert.equal(await purge("e"), seqs.at(-1) + 1);
  assert.equal((await log()).meta.epoch, meta.epoch);
  assert.notEqual((await log()).alarm, null, "it wakes again");
});
