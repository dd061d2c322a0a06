// The memory of an isolate under many distinct responses: its JavaScript heap and the memory of its Wasm, as
// workerd's inspector counts them. The memory of the process shows neither, since allocators keep freed memory.

import { setTimeout as wait } from "node:timers/promises";
import { Heap, measuredEntry } from "../../tests/e2e/lib/heap.mjs";
import { openWorld } from "../../tests/e2e/lib/world.mjs";
import { configuration } from "../peers.mjs";

/** `brief`: the share of the load for which nothing is collected but by V8 itself. */
const LOADS = [
  { id: "memory-small", name: "12,700 responses of 10 KB", request: "catalog", count: 12_700, brief: 0.3 },
  { id: "memory-large", name: "150 responses of 1 MB", request: "catalog-1mb", count: 150, brief: 1 },
];
const CONNECTIONS = 16;
const SAMPLE_MILLIS = 250;
const MEGABYTE = 2 ** 20;

/** The numbers of requests are those of no other part. */
let next = 50_000_000;

/**
 * The megabytes that are alive in an isolate at most while it answers distinct requests: `js`, `wasm` and `all`;
 * and `withGarbage`, what there is if V8 alone decides when to collect.
 */
export async function measureMemory({ load, origin }, say) {
  const { origin: originUrl, ...config } = configuration(origin.url);
  const world = await openWorld({
    config: { kv: { writes: "second-request" }, ...config },
    originUrl,
    entry: measuredEntry,
    inspector: true,
  });
  const heap = await Heap.of(world);
  const send = (request, count) => {
    const job = { port: world.ports[0], request, first: next, distinct: true, connections: CONNECTIONS };
    next += count;
    return load.run({ ...job, count, bytes: 9_000 });
  };
  try {
    const rows = [];
    for (const { id, name, request, count, brief } of LOADS) {
      const { js, wasm, all } = await mostWhile(send(request, count), () => heap.alive());
      const untouched = await mostWhile(send(request, Math.round(count * brief)), () => heap.used());
      rows.push({ id, name, js, wasm, all, withGarbage: untouched.all });
    }
    for (const { name, js, wasm, withGarbage } of rows) {
      const [alive, garbage] = [`${js.toFixed(1)} + ${wasm.toFixed(1)} MB alive`, withGarbage.toFixed(1)];
      say(`${name}: ${alive}, ${garbage} MB with garbage`);
    }
    return rows;
  } finally {
    heap.close();
    await world.stop();
  }
}

/** The sample with the most, of those until some work ends, in megabytes. */
async function mostWhile(working, take) {
  let isDone = false;
  const samples = [];
  const sampling = async () => {
    for (; !isDone; await wait(SAMPLE_MILLIS)) samples.push(await take());
  };
  const done = working.finally(() => {
    isDone = true;
  });
  await Promise.all([done, sampling()]);
  const { js, wasm, all } = samples.reduce((one, other) => (other.all > one.all ? other : one));
  return { js: js / MEGABYTE, wasm: wasm / MEGABYTE, all: all / MEGABYTE };
}
