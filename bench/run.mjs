// The benchmarks, from the peers' start to the report. Run by scripts/bench.mjs.

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Store } from "../tests/e2e/lib/stores.mjs";
import { startOrigin } from "../tools/demo-shop.mjs";
import { bin, run } from "../tools/processes.mjs";
import { main } from "../tools/script.mjs";
import { measureBundle } from "./bundle.mjs";
import { startCache } from "./cache.mjs";
import { Connection } from "./connection.mjs";
import { measureCpu } from "./cpu.mjs";
import { measureFailures } from "./failures.mjs";
import { measureGraphql } from "./graphql.mjs";
import { Load } from "./load.mjs";
import { measureDashboard, measureHits, measureMisses } from "./measures.mjs";
import { startPeers } from "./peers.mjs";
import { cpuTable, failureTable, graphqlTable, judge, keep, kept, remarks, table } from "./report.mjs";
import { requestBytes } from "./requests.mjs";

/** The parts of the benchmarks that can be run by themselves. The other results stay unchanged. */
const PARTS = ["failures", "cpu"];

const say = (line) => console.log(`  ${line}`);

/** What has to be stopped at the end, last started first. */
const ends = [];

async function end() {
  for (const one of ends.splice(0).reverse()) await one();
}

/** Compares Evergraph with its peers in a world, and measures what needs none. */
async function measure(world) {
  const bundle = measureBundle();
  console.log("• GraphQL, natively and in Wasm …");
  const graphql = await measureGraphql(say);
  const measures = [
    await measureDashboard(world, "dashboard-rest", say),
    await measureDashboard(world, "dashboard-graphql", say),
    ...(await measureHits(world, say)),
    ...(await measureMisses(world, say)),
  ];
  return { measures, graphql, bundle };
}

/** Starts the origin, the stores, the peers and the load generator. */
async function startWorld() {
  const folder = mkdtempSync(join(tmpdir(), "evergraph-bench-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  console.log("• the origin, the stores and the peers …");
  const shop = await startOrigin();
  ends.push(shop.stop);
  const [cache, kv] = await Promise.all([startCache(), new Store("kv").listen()]);
  ends.push(
    () => cache.close(),
    () => kv.close(),
  );
  const answer = (await once(shop.port)).body;
  const backends = { origin: shop.url, cache: cache.address, kv: kv.address, answer };
  const peers = await startPeers(folder, backends);
  ends.push(() => Promise.all(Object.values(peers).map((peer) => peer.stop())));
  for (const peer of Object.values(peers)) await expectAnswer(peer, answer);
  const load = new Load();
  ends.push(() => load.stop());

  console.log(`• a request of ${requestBytes("catalog").length} bytes, an answer of ${answer.length} …`);
  return { load, peers, shop, kv, bytes: answer.length };
}

async function measureAll() {
  const part = process.argv[2];
  if (part !== undefined && !PARTS.includes(part)) throw new Error(`no such part: ${part}`);
  const on = { date: new Date().toISOString().slice(0, 10), machine: await machine() };
  const results = kept();
  if (part !== "failures") {
    const world = await startWorld();
    if (part === undefined) Object.assign(results, on, await measure(world));
    console.log("• the CPU time of single requests …");
    results.cpu = { ...on, rows: await measureCpu(world, say) };
    await end();
  }
  if (part !== "cpu") {
    console.log("• parts that fail …");
    results.failures = { ...on, rows: await measureFailures(say) };
  }
  return results;
}

async function once(port) {
  const connection = await Connection.open(port);
  try {
    return await connection.ask(requestBytes("catalog"));
  } finally {
    connection.close();
  }
}

/** Checks that a peer responds with the origin's bytes, twice. */
async function expectAnswer(peer, expected) {
  for (let time = 0; time < 2; time += 1) {
    const { status, body } = await once(peer.port);
    if (status !== 200 || !body.equals(expected)) throw new Error(`${peer.name} answers something else`);
    await new Promise((resolve) => setTimeout(resolve, 200)); // stores are written behind the answer
  }
}

async function machine() {
  const workerd = await run(bin("workerd"), ["--version"], { capture: true });
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    workerd: workerd.trim().split(" ").pop(),
  };
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => end().finally(() => process.exit(1)));
}

await main(async () => {
  const started = Date.now();
  try {
    const results = await measureAll();
    results.targets = judge(results);
    keep(results);
    const tables = [table, graphqlTable, cpuTable, failureTable].map((made) => made(results));
    console.log(`\n${tables.join("\n\n")}\n\n${remarks(results).join("\n")}`);
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    console.log(`\nin ${seconds} s; also in bench/results.json and docs/benchmarks.md`);
    process.exitCode = results.targets.every(({ met }) => met) ? 0 : 1;
  } finally {
    await end();
  }
});
