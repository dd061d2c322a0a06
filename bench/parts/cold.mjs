// A new isolate: how long it takes from the start of its process to the first response, and what the next
// requests cost, each of which finds its response in a store that another isolate has filled.

import { setTimeout as wait } from "node:timers/promises";
import { Store } from "../../tests/e2e/lib/stores.mjs";
import { startCache } from "../cache.mjs";
import { Connection } from "../connection.mjs";
import { preparePeer, startReady } from "../peers.mjs";
import { requestBytes } from "../requests.mjs";
import { expectAsked, inRounds, summaryLine, withCpu } from "../rounds.mjs";

const EVERYBODY = ["constant", "map", "cache-api", "kv", "yoga", "evergraph"];
/** Those whose isolates have nothing of each other. */
const FORGETFUL = ["map", "yoga"];
const REQUESTS = 40;
const FIRST = 20_000_000;
const MOST_MILLIS = 20_000;

/** The milliseconds until the first response, and the CPU milliseconds of each of the next requests. */
export async function measureCold(world, say) {
  const [cache, kv] = await Promise.all([startCache(), new Store("kv").listen()]);
  const backends = { ...world.backends, cache: cache.address, kv: kv.address };
  const names = [...EVERYBODY, ...Object.keys(world.builds)];
  try {
    const prepared = names.map((name) => preparePeer(name, `${world.folder}/cold`, backends, world.builds));
    for (const one of prepared) await fill(one, world.load);
    const { start, cpu } = await inRounds(prepared, world.rounds, (one) => measureOne(one, world));
    const rows = [
      { id: "start", name: "first response after the start", unit: "ms", rounds: start },
      { id: "cold", name: "hit of a new isolate", unit: "ms", rounds: withoutConstant(cpu) },
    ];
    for (const row of rows) say(summaryLine(row));
    return rows;
  } finally {
    cache.close();
    kv.close();
  }
}

const withoutConstant = ({ constant, ...others }) => others;

/** Every request is sent twice: then it is in all stores. */
async function fill(prepared, load) {
  const peer = await startReady(prepared);
  try {
    const job = { port: peer.port, request: "catalog", first: FIRST, distinct: true, count: REQUESTS + 1 };
    for (let time = 0; time < 2; time += 1) {
      await load.run(job);
      await wait(200);
    }
  } finally {
    await peer.stop();
  }
}

async function measureOne(prepared, { load, origin }) {
  const isStored = !FORGETFUL.includes(prepared.name);
  const expected = isStored ? 0 : REQUESTS + 1;
  return expectAsked(origin, `a new isolate of ${prepared.name}`, expected, async () => {
    const began = performance.now();
    const peer = await prepared.start();
    try {
      await firstAnswer(peer);
      const start = performance.now() - began;
      const job = { port: peer.port, request: "catalog", first: FIRST + 1, distinct: true };
      const { cpu } = await withCpu(peer, () => load.run({ ...job, count: REQUESTS, bytes: 9_000 }));
      return { start, cpu };
    } finally {
      await peer.stop();
    }
  });
}

async function firstAnswer({ port, name }) {
  const until = performance.now() + MOST_MILLIS;
  for (;;) {
    try {
      const connection = await Connection.open(port);
      const { status } = await connection.ask(requestBytes("catalog", FIRST));
      connection.close();
      if (status !== 200) throw new Error(`${name} answered ${status} at first`);
      return;
    } catch (error) {
      if (error.code !== "ECONNREFUSED" || performance.now() > until) throw error;
      await wait(1);
    }
  }
}
