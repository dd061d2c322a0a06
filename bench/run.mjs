// The benchmarks, from the peers' start to the report. Run by scripts/bench.mjs.

import { cpus } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { judge } from "../tools/benchmarks/demands.mjs";
import {
  demandLines,
  readResults,
  tablesOf,
  writeDocuments,
  writeResults,
} from "../tools/benchmarks/report.mjs";
import { bin, run } from "../tools/processes.mjs";
import { Advice, main } from "../tools/script.mjs";
import { measureBundle } from "./parts/bundle.mjs";
import { measureCold } from "./parts/cold.mjs";
import { measureCpu } from "./parts/cpu.mjs";
import { measureDashboards } from "./parts/dashboard.mjs";
import { measureFailures } from "./parts/failures.mjs";
import { measureGraphql } from "./parts/graphql.mjs";
import { measureHits } from "./parts/hits.mjs";
import { measureMemory } from "./parts/memory.mjs";
import { measureMisses } from "./parts/misses.mjs";
import { measureMixed } from "./parts/mixed.mjs";
import { measurePurges } from "./parts/purges.mjs";
import { endWorld, startWorld } from "./world.mjs";

const ROUNDS = 9;

/** The parts, in the order in which they run. Those in the world share its peers. */
const PARTS = {
  graphql: { title: "GraphQL, natively and in Wasm", measure: (_, say) => measureGraphql(say) },
  bundle: { title: "the bundle", measure: (_, say) => measureBundle(say) },
  hits: { title: "hits", inWorld: true, measure: measureHits },
  misses: { title: "misses", inWorld: true, measure: measureMisses },
  cold: { title: "new isolates", inWorld: true, measure: measureCold },
  dashboard: { title: "the dashboard", inWorld: true, measure: measureDashboards },
  mixed: { title: "reads and writes", inWorld: true, measure: measureMixed },
  purges: { title: "purges under load", inWorld: true, measure: measurePurges },
  memory: { title: "memory", inWorld: true, measure: measureMemory },
  cpu: { title: "the CPU time of single requests", inWorld: true, measure: measureCpu },
  failures: { title: "parts that fail", measure: (_, say) => measureFailures(say) },
};

const say = (line) => console.log(`  ${line}`);

/** What the command line says: parts, and options. */
function instructions() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: String(ROUNDS) },
      print: { type: "boolean", default: false },
      build: { type: "string", multiple: true, default: [] },
    },
  });
  const unknown = positionals.find((part) => !(part in PARTS));
  if (unknown !== undefined) {
    const parts = Object.keys(PARTS).join(", ");
    throw new Advice(`There is no part ${unknown}, only ${parts}, and log, which is measured alone.`);
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Advice(`--rounds ${values.rounds} is no number.`);
  const builds = Object.fromEntries(
    values.build.map((one) => {
      const [name, folder] = one.split("=");
      if (!folder || !/^[a-z][a-z0-9-]*$/.test(name)) {
        throw new Advice(`--build ${one}: write --build NAME=FOLDER, with a name in lower case.`);
      }
      return [name, resolve(folder)];
    }),
  );
  const parts = positionals.length > 0 ? positionals : Object.keys(PARTS);
  // Other builds are no part of the report.
  return { parts, rounds, builds, print: values.print || values.build.length > 0 };
}

/** Measures the parts. One that fails is left out, with a line in `faults`: the others need not run again. */
async function measureAll({ parts, rounds, builds }) {
  const date = new Date().toISOString().slice(0, 10);
  const on = { date, commit: await commit(), machine: await machine() };
  const measured = {};
  const faults = [];
  let world;
  for (const [part, { title, inWorld, measure }] of Object.entries(PARTS)) {
    if (!parts.includes(part)) continue;
    const began = Date.now();
    if (inWorld && !world) {
      console.log("• the origin, the stores and the peers …");
      world = await startWorld({ rounds, builds }, say);
    }
    console.log(`• ${title} …`);
    try {
      measured[part] = { ...on, rows: await measure(world, say) };
    } catch (error) {
      faults.push(`FAILED  ${part}: ${error.message}`);
      console.error(error);
    }
    say(`in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  }
  return { measured, faults };
}

/** The commit that is measured, with a `+` if files differ from it. Undefined outside a repository. */
async function commit() {
  const args = ["describe", "--always", "--exclude=*", "--dirty=+"];
  const described = await run("git", args, { capture: true }).catch(() => "");
  return described.trim() || undefined;
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
  process.once(signal, () => endWorld().finally(() => process.exit(1)));
}

await main(async () => {
  const started = Date.now();
  const asked = instructions();
  try {
    const { measured, faults } = await measureAll(asked);
    // The other parts stay as they were.
    const results = { ...readResults(), ...measured };
    const demands = judge(measured);
    if (!asked.print) {
      writeResults(results);
      // As they are rounded there, so that the documents can be written again from the file.
      writeDocuments(readResults());
    }
    console.log(`\n${tablesOf(measured).join("\n\n")}\n\n${[...demandLines(demands), ...faults].join("\n")}`);
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    const where = asked.print ? "" : "; also in bench/results.json and docs/benchmarks.md";
    console.log(`\nin ${seconds} s${where}`);
    process.exitCode = faults.length === 0 && demands.every(({ met }) => met) ? 0 : 1;
  } finally {
    await endWorld();
  }
});
