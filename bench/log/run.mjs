// What the purge log costs: its CPU for each kind of request, and a streaming subscription compared with
// polling. Run by `npm run bench -- log`; docs/decisions/0018 and 0036 have the figures.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as ask } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openWorld } from "../../tests/e2e/lib/world.mjs";
import { bin, freePort, launch, untilAnswers } from "../../tools/processes.mjs";
import { main } from "../../tools/script.mjs";
import { spread } from "../../tools/statistics.mjs";
import { copyWorker } from "../../tools/worker-modules.mjs";
import { appends, markAfter, reads, readsAll } from "./wire.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const TICKS_A_SECOND = 100; // of /proc, on every Linux
const PURGES = 8;
const SECONDS = 5;

/** The log in a workerd of its own, so that its CPU is counted apart from that of the isolates. */
class LogProcess {
  static async start(tags = 0) {
    const log = new LogProcess();
    log.folder = mkdtempSync(join(tmpdir(), "evergraph-log-"));
    log.port = await freePort();
    log.modules = copyWorker(log.folder);
    copyFileSync(join(here, "entry.js"), join(log.folder, "entry.js"));
    mkdirSync(join(log.folder, "storage"));
    writeFileSync(join(log.folder, "config.capnp"), log.#config());
    log.agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
    await log.#run();
    if (tags > 0) {
      await log.post(`/log/fill?tags=${tags}`, "");
      await log.program.stop();
      await log.#run();
    }
    log.mark = markAfter(await log.post("/log/since", readsAll));
    return log;
  }

  async #run() {
    const args = ["serve", "--experimental", "config.capnp"];
    const options = { cwd: this.folder, stdio: ["ignore", "ignore", "inherit"] };
    this.program = launch(bin("workerd"), args, options);
    const { child } = this.program;
    await untilAnswers(`http://127.0.0.1:${this.port}/log/nothing`, { child });
  }

  async stop() {
    this.agent.destroy();
    await this.program.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  post(path, body, onChunk) {
    return new Promise((resolve, reject) => {
      const { agent, port } = this;
      const asked = ask({ agent, port, host: "127.0.0.1", path, method: "POST" }, (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => (onChunk ? onChunk(chunk) : chunks.push(chunk)));
        answer.on("error", reject);
        answer.on("end", () => {
          const bytes = Buffer.concat(chunks);
          if (answer.statusCode === 200) resolve(bytes);
          else reject(new Error(`${path} answered ${answer.statusCode} ${bytes}`));
        });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  /** Its CPU so far in seconds, including that of the program that npm's script starts. */
  cpu() {
    return cpuOf(this.program.child.pid);
  }

  #config() {
    return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "log", worker = .log), (name = "storage", disk = (path = "storage", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:${this.port}", http = (), service = "log")]
);
const log :Workerd.Worker = (
  modules = [
    (name = "entry.js", esModule = embed "entry.js"), ${this.modules}
  ],
  compatibilityDate = "2026-11-01",
  bindings = [
    (name = "EVERGRAPH", json = "{\\"service\\":\\"test\\",\\"origin\\":\\"http://127.0.0.1:9\\"}"),
    (name = "PURGE_LOG", durableObjectNamespace = "PurgeLog")
  ],
  durableObjectNamespaces = [(className = "PurgeLog", uniqueKey = "log", enableSql = true)],
  durableObjectStorage = (localDisk = "storage")
);
`;
  }
}

function cpuOf(process) {
  return [process, ...children(process)].reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }, 0);
}

function children(pid) {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return list ? list.split(" ").flatMap((child) => [child, ...children(child)]) : [];
}

/** Repeats `work`, so many at a time. Returns the log's CPU for one of them, in microseconds. */
async function costOf(log, work, { atOnce = 8, seconds = SECONDS } = {}) {
  for (let n = 0; n < 20; n += 1) await work();
  const [cpu, began] = [log.cpu(), performance.now()];
  const until = began + seconds * 1_000;
  let count = 0;
  const again = async () => {
    for (; performance.now() < until; count += 1) await work();
  };
  await Promise.all(Array.from({ length: atOnce }, again));
  const took = (performance.now() - began) / 1_000;
  return { cpu: ((log.cpu() - cpu) / count) * 1e6, rate: count / took };
}

const random64 = () =>
  (BigInt(Math.floor(Math.random() * 2 ** 32)) << 32n) | BigInt(Math.floor(Math.random() * 2 ** 32));
const fiveTags = () => Array.from({ length: 5 }, random64);

/** Appends records, and remembers them. */
async function append(log) {
  await log.post("/log/append", appends(log.mark, fiveTags()));
  log.mark = { ...log.mark, seq: log.mark.seq + 1n };
}

async function measureRequests(say) {
  const row = (what, { cpu, rate }, base) => {
    say(`${what}: ${cpu.toFixed(0)} µs, ${(cpu - base).toFixed(0)} above nothing, ${rate.toFixed(0)}/s`);
  };
  const log = await LogProcess.start();
  const nothing = await costOf(log, () => log.post("/log/nothing", readsAll));
  row("a request that does nothing", nothing, 0);
  const base = nothing.cpu;
  const current = () => log.post("/log/since", reads(log.mark));
  row("a read with nothing new", await costOf(log, current), base);
  row("an append of 5 tags", await costOf(log, () => append(log), { atOnce: 1 }), base);
  while (log.mark.seq < 1_100n) await append(log);
  const concurrent = () => {
    // The marks of isolates that have read recently.
    log.mark.seq += 1n;
    const mark = { ...log.mark, seq: log.mark.seq - 40n };
    return log.post("/log/append", appends(mark, fiveTags()));
  };
  row("appends of 5 tags, 32 at a time", await costOf(log, concurrent, { atOnce: 32 }), base);
  log.mark = markAfter(await log.post("/log/since", readsAll));
  const behind = (records) => {
    const mark = { ...log.mark, seq: log.mark.seq - BigInt(records) };
    return () => log.post("/log/since", reads(mark));
  };
  for (const records of [10, 100, 1_000])
    row(`a read of ${records} records of 5 tags`, await costOf(log, behind(records)), base);
  await log.stop();
  for (const tags of [10_000, 100_000, 190_000]) {
    const full = await LogProcess.start(tags);
    const all = await costOf(full, () => full.post("/log/since", readsAll), { atOnce: 2 });
    row(`a snapshot of ${tags} tags`, all, base);
    await full.stop();
  }
}

/** So many subscribers for so long: what a message to one of them costs. */
async function costOfMessages(subscribers, every, recordsASecond, say) {
  const log = await LogProcess.start();
  await append(log);
  let messages = 0;
  const until = performance.now() + (SECONDS + 2) * 1_000;
  const path = `/log/subscribe?every=${every}`;
  const open = Array.from({ length: subscribers }, () =>
    log
      .post(path, reads(log.mark), () => {
        messages += 1;
      })
      .catch(() => {}),
  );
  await wait(2_000);
  const [cpu, before, began] = [log.cpu(), messages, performance.now()];
  let appended = 0;
  while (performance.now() < until) {
    await log.post("/log/follow", reads(log.mark));
    if (recordsASecond > 0) {
      await append(log);
      appended += 1;
      await wait(1_000 / recordsASecond);
    } else await wait(200);
  }
  const took = (performance.now() - began) / 1_000;
  const used = log.cpu() - cpu;
  const each = (used / (messages - before)) * 1e6;
  say(
    `${subscribers} subscribers, a message every ${every} ms, ${(appended / took).toFixed(1)} appends/s: ` +
      `${((messages - before) / took).toFixed(0)} messages/s, ${each.toFixed(0)} µs each, ` +
      `${((used / took) * 100).toFixed(0)} % of a core`,
  );
  await log.stop();
  await Promise.all(open);
}

/** Polling by the same data centers, at a given rate. */
async function costOfPolling(rate, say) {
  const log = await LogProcess.start();
  await append(log);
  const until = performance.now() + SECONDS * 1_000;
  const [cpu, began] = [log.cpu(), performance.now()];
  let count = 0;
  const polls = [];
  while (performance.now() < until) {
    const due = ((performance.now() - began) / 1_000) * rate;
    for (; count < due; count += 1) polls.push(log.post("/log/since", reads(log.mark)));
    await wait(5);
  }
  await Promise.all(polls);
  const took = (performance.now() - began) / 1_000;
  const used = log.cpu() - cpu;
  say(
    `polling, ${(count / took).toFixed(0)} reads/s: ${((used / count) * 1e6).toFixed(0)} µs each, ` +
      `${((used / took) * 100).toFixed(0)} % of a core`,
  );
  await log.stop();
}

/**
 * Two isolates of a data center under steady traffic: how long after a purge through the first the
 * second serves its last hit, and how often they ask the log.
 */
async function staleness(maxLag, every, say) {
  const world = await openWorld({
    places: 2,
    oneEdge: true,
    entry: readFileSync(join(here, "entry.js"), "utf8"),
    secrets: every ? { SUBSCRIBE: `${every}`, READS_ALL: [...readsAll].join() } : {},
    config: {
      types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
      purge: { max_lag: maxLag },
    },
  });
  try {
    world.origin.answer = (_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    const path = "/api/products/1";
    const hits = async (place) => (await world.ask(path, {}, place)).xCache === "HIT";
    let running = true;
    const traffic = [0, 1].map(async (place) => {
      for (; running; await wait(20)) await world.ask("/api/products/2", {}, place);
    });
    const [began, asked] = [performance.now(), world.control.requests.length];
    const latencies = [];
    for (let n = 0; n < PURGES; n += 1) {
      for (const place of [0, 1]) await world.until(() => hits(place), "it is stored");
      await wait(200 + Math.random() * maxLag * 1_000);
      await world.admin("purge", { body: { paths: [path] } });
      const purged = performance.now();
      while (await hits(1)) await wait(5);
      latencies.push(performance.now() - purged);
    }
    running = false;
    await Promise.all(traffic);
    const reads = world.control.requests.length - asked - PURGES;
    const took = (performance.now() - began) / 1_000;
    const { median, low, high } = spread(latencies);
    say(
      `max_lag = ${maxLag}, ${every ? `a message every ${every} ms` : "polling"}: last hit ` +
        `${low.toFixed(0)} to ${high.toFixed(0)} ms after the purge, median ${median.toFixed(0)}; ` +
        `${(reads / took).toFixed(2)} requests/s to the log`,
    );
  } finally {
    await world.stop();
  }
}

/** What a message costs the subscriber, in one process for all: it includes the object's part. */
async function costOfHearing(say) {
  const [every, seconds] = [10, 10];
  const cpu = async (secrets) => {
    const entry = readFileSync(join(here, "entry.js"), "utf8");
    const world = await openWorld({ entry, secrets, config: { bypass: ["/**"] } });
    try {
      for (let n = 0; n < 20; n += 1) await world.admin("health");
      await wait(1_000);
      const before = cpuOf(world.process.pid);
      const puts = world.caches[0].writes;
      await wait(seconds * 1_000);
      return { cpu: cpuOf(world.process.pid) - before, puts: world.caches[0].writes - puts };
    } finally {
      await world.stop();
    }
  };
  const idle = await cpu({});
  const hearing = await cpu({ SUBSCRIBE: `${every}`, READS_ALL: [...readsAll].join() });
  const each = ((hearing.cpu - idle.cpu) / hearing.puts) * 1e6;
  say(
    `a message that is heard and put into the edge cache: ${each.toFixed(0)} µs, ${hearing.puts} in ${seconds} s`,
  );
}

const say = (line) => console.log(`  ${line}`);
await main(async () => {
  const part = process.argv[2];
  if (!part || part === "requests") {
    console.log("• the log's CPU for each request …");
    await measureRequests(say);
  }
  if (!part || part === "subscription") {
    console.log("• a subscription beside polling …");
    await costOfPolling(180, say);
    await costOfPolling(900, say);
    await costOfMessages(300, 500, 0, say);
    await costOfMessages(300, 250, 0, say);
    await costOfMessages(300, 250, 10, say);
    await costOfMessages(1_000, 500, 0, say);
    await costOfHearing(say);
    for (const [maxLag, every] of [[5], [1], [1, 250], [1, 500]]) await staleness(maxLag, every, say);
  }
});
