// The mixed load: reads and writes of products, on many connections, in an order that is the same for every
// peer. It notices each read that is older than a write whose response came before the read was sent.

import { percentile, random, zipf } from "../tools/statistics.mjs";
import { Connection } from "./connection.mjs";
import { productId, requestBytes, writeBytes } from "./requests.mjs";

/** What is done, in order: the number of a product, and whether it is written. */
function operations({ first, products, count, writes, seed }) {
  const chance = random(seed);
  const next = zipf(products, chance);
  return Array.from({ length: count }, () => ({ number: first + next(), isWrite: chance() < writes }));
}

/** How many reads of a list could be hits, if each waited for the one before it. */
function bestHits(list) {
  const known = new Set();
  let hits = 0;
  for (const { number, isWrite } of list) {
    if (isWrite) known.delete(number);
    else if (known.has(number)) hits += 1;
    else known.add(number);
  }
  return hits;
}

/** Runs the load; resolves with the counts of `reads`, `writes` and `stale` reads, and with latencies. */
export async function runMixed(job) {
  const list = operations(job);
  const open = await Promise.all(Array.from({ length: job.connections }, () => Connection.open(job.port)));
  /** The versions that products have at least, by their numbers. */
  const versions = new Map();
  const latencies = [];
  let [done, writes, stale] = [0, 0, 0];
  const read = async (connection, number) => {
    const least = versions.get(number) ?? 0;
    const asked = performance.now();
    const { name } = bodyOf(await connection.ask(requestBytes("product", number))).product;
    latencies.push(performance.now() - asked);
    if (Number(name) < least) stale += 1;
  };
  const write = async (connection, number) => {
    writes += 1;
    const bytes = writeBytes(number, `${job.seed}-${writes}`);
    const { product } = bodyOf(await connection.ask(bytes)).ProductUpdate;
    versions.set(number, Math.max(versions.get(number) ?? 0, Number(product.name)));
  };
  const work = async (connection) => {
    while (done < list.length) {
      const { number, isWrite } = list[done];
      done += 1;
      await (isWrite ? write : read)(connection, number);
    }
  };
  try {
    await Promise.all(open.map(work));
  } finally {
    for (const connection of open) connection.close();
  }
  const [p50, p90, p99] = [50, 90, 99].map((percent) => percentile(latencies, percent));
  const reads = latencies.length;
  return { reads, writes, stale, p50, p90, p99, best: bestHits(list) / reads };
}

function bodyOf({ status, body }) {
  const text = body.toString();
  if (status !== 200) throw new Error(`answered ${status}: ${text.slice(0, 500)}`);
  const { data } = JSON.parse(text);
  const { id } = data.product ?? data.ProductUpdate.product;
  if (id.length !== productId(0).length) throw new Error(`answered ${text.slice(0, 500)}`);
  return data;
}
