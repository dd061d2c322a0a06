// The load generator: connections that each send the next request as soon as they have a response. It
// runs in a thread of its own, in parallel with the stores.

import { setTimeout as wait } from "node:timers/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Connection } from "./connection.mjs";
import { requestBytes } from "./requests.mjs";
import { median } from "./statistics.mjs";

/** A handle to the thread. */
export class Load {
  #thread = new Worker(new URL(import.meta.url));

  /**
   * Asks for `seconds` or `count` times; resolves with how many `requests` were answered in how
   * many `seconds`, and with their median `latency` in milliseconds.
   *
   * - `request`: a name in requests.mjs
   * - `pause`: milliseconds that a connection waits before it asks again
   * - `distinct`: whether every request is one that was never sent before
   * - `bytes`: the answers' length; another, or another status than 200, is an error
   */
  run(job) {
    return new Promise((resolve, reject) => {
      this.#thread.once("error", reject);
      this.#thread.once("message", (message) => {
        this.#thread.off("error", reject);
        if (message.fault) reject(new Error(`${job.request} on port ${job.port}: ${message.fault}`));
        else resolve(message);
      });
      this.#thread.postMessage(job);
    });
  }

  stop() {
    return this.#thread.terminate();
  }
}

let sent = 1; // over the whole run, so that a distinct request is distinct for every peer

async function run(job) {
  const {
    port,
    request,
    bytes,
    distinct,
    connections = 1,
    pause = 0,
    seconds = Infinity,
    count = Infinity,
  } = job;
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const same = requestBytes(request);
  const latencies = [];
  const started = performance.now();
  const until = started + seconds * 1000;
  const more = () => performance.now() < until && latencies.length < count;
  const askUntilDone = async (connection) => {
    while (more()) {
      const bytesToSend = distinct ? requestBytes(request, sent++) : same;
      const asked = performance.now();
      const answer = await connection.ask(bytesToSend);
      latencies.push(performance.now() - asked);
      if (answer.status !== 200 || answer.body.length !== (bytes ?? answer.body.length)) {
        throw new Error(`answered ${answer.status} with ${answer.body.length} bytes`);
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
  };
}

if (!isMainThread) {
  parentPort.on("message", async (job) => {
    parentPort.postMessage(await run(job).catch((error) => ({ fault: error.message })));
  });
}
