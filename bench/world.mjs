// What the parts of the benchmarks measure in: the origin, the stores, the peers and the load generator.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Store } from "../tests/e2e/lib/stores.mjs";
import { NAMES } from "../tools/benchmarks/figures.mjs";
import { startCache } from "./cache.mjs";
import { Connection } from "./connection.mjs";
import { Load } from "./load.mjs";
import { startNative } from "./native.mjs";
import { Origin } from "./origin.mjs";
import { bundleYoga, preparePeer, startReady } from "./peers.mjs";
import { requestBytes } from "./requests.mjs";

/** The purge log's storage is there: on Cloudflare the disk it waits for is not that of the Worker. */
const SHARED_MEMORY = "/dev/shm";

/** What has to be stopped at the end, last started first. */
const ends = [];

/** Ends everything that was started. */
export async function endWorld() {
  for (const one of ends.splice(0).reverse()) await one();
}

/**
 * Starts the world. `rounds` is how many there are; `builds` are folders with other builds of Evergraph, by
 * name, which are measured like peers.
 */
export async function startWorld({ rounds, builds }, say) {
  const folder = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), "evergraph-bench-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const origin = await Origin.start();
  ends.push(() => origin.stop());
  const [cache, kv] = await Promise.all([startCache(), new Store("kv").listen()]);
  ends.push(
    () => cache.close(),
    () => kv.close(),
  );
  const { body: answer } = await ask(origin.port);
  const yoga = await bundleYoga();
  const backends = { origin: origin.url, cache: cache.address, kv: kv.address, answer, yoga };
  const peers = {};
  for (const name of [...Object.keys(NAMES), ...Object.keys(builds)]) {
    peers[name] = await startReady(preparePeer(name, folder, backends, builds));
    ends.push(() => peers[name].stop());
    await expectAnswer(peers[name], answer);
  }
  const native = await startNative(folder, origin, say);
  ends.push(() => Promise.all(native.map((one) => one.stop())));
  const load = new Load();
  ends.push(() => load.stop());
  /** The peers of some names, with the other builds of Evergraph. */
  const peersOf = (names) => [...names, ...Object.keys(builds)].map((name) => peers[name]);
  return { folder, rounds, builds, origin, kv, backends, peers, peersOf, native, load };
}

async function ask(port) {
  const connection = await Connection.open(port);
  try {
    return await connection.ask(requestBytes("catalog"));
  } finally {
    connection.close();
  }
}

/** Checks that a peer responds with the origin's bytes, twice. */
async function expectAnswer({ name, port }, expected) {
  for (let time = 0; time < 2; time += 1) {
    const { status, body } = await ask(port);
    if (status !== 200 || !body.equals(expected)) {
      throw new Error(`${name} answers something else: ${status}, ${body.subarray(0, 300)}`);
    }
    await wait(200); // stores are written behind the answer
  }
}
