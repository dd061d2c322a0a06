// The load generator: connections that each send the next request as soon as they have a response. It
// runs in a thread of its own, in parallel with the stores.

import { setTimeout as wait } from "node:timers/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { median, percentile, random, zipf } from "../tools/statistics.mjs";
import { Connection } from "./connection.mjs";
import { runMixed } from "./mixed.mjs";
import { requestBytes } from "./requests.mjs";

/** A handle to the thread. */
export class Load {
  #thread = new Worker(new URL(import.meta.url));

  /**
   * Asks for `seconds` or `count` times; resolves with how many `requests` were answered in how many
   * `seconds`, and with their latency in milliseconds: the median, `p90` and `p99`.
   *
   * - `request`: a name in requests.mjs
   * - `first`: the number of the request
   * - `distinct`: every request has the next number after `first`
   * - `zipf`: so many requests, from `first` on, of which few are frequent; `seed` chooses their order
   * - `connections`: how many there are; `pause`: how many milliseconds each waits before it asks again
   * - `bytes`: the least length of a response
   * - `mixed`: the job is one of mixed.mjs
   */
  run(job) {
    return new Promise((resolve, reject) => {
      this.#thread.once("error", reject);
      this.#thread.once("message", (message) => {
        this.#thread.off("error", reject);
        if (message.fault)
          reject(new Error(`${job.request ?? "mixed"} on port ${job.port}: ${message.fault}`));
        else resolve(message);
      });
      this.#thread.postMessage(job);
    });
  }

  stop() {
    return this.#thread.terminate();
  }
}

/** A function that returns the next request. */
function requestsOf({ request, first = 0, distinct, zipf: many, seed = 1 }) {
  let number = first;
  if (distinct) return () => requestBytes(request, number++);
  if (!many) {
    const same = requestBytes(request, first);
    return () => same;
  }
  const all = Array.from({ length: many }, (_, n) => requestBytes(request, first + n));
  const next = zipf(many, random(seed));
  return () => all[next()];
}

async function run(job) {
  const { port, bytes = 0, connections = 1, pause = 0, seconds = Infinity, count = Infinity } = job;
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const next = requestsOf(job);
  const latencies = [];
  let sent = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  const askUntilDone = async (connection) => {
    while (performance.now() < until && sent < count) {
      sent += 1;
      const bytesToSend = next();
      const asked = performance.now();
      const answer = await connection.ask(bytesToSend);
      latencies.push(performance.now() - asked);
      if (answer.status !== 200 || answer.body.length < bytes) {
        throw new Error(`answered ${answer.status}: ${answer.body.subarray(0, 500)}`);
      }
      if (pause > 0) await wait(pause);
    }
  };
  try {
    await Promise.all(open.map(askUntilDone));
  } finally {
    for (const connection of open) connection.close();
  }
  return {
    requests: latencies.length,
    seconds: (performance.now() - started) / 1000,
    latency: median(latencies),
    p90: percentile(latencies, 90),
    p99: percentile(latencies, 99),
  };
}

if (!isMainThread) {
  parentPort.on("message", async (job) => {
    const work = job.mixed ? runMixed : run;
    parentPort.postMessage(await work(job).catch((error) => ({ fault: error.message })));
  });
}
