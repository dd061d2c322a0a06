// Deliberate bugs, each a patch in tests/bugs/: does the simulated world notice?

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../../tools/processes.mjs";
import { Advice } from "../../tools/script.mjs";

const folder = "tests/bugs";
const scratch = "target/bugs";
const binary = join(root, scratch, "target/sim/sim");
/** How many seeds are tried for a bug that its own seed does not catch. */
const searched = 1_000;

/** Every bug: its patch, what it breaks, and which seed is to catch it. */
function allBugs() {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".patch"));
  return names.sort().map((file) => {
    const [first] = readFileSync(join(root, folder, file), "utf8").split("\n");
    const said = /^# (seed|oracle|signals|deploys|slow) (\d+): (.+)$/.exec(first);
    if (!said) throw new Advice(`${folder}/${file}: the first line names no seed`);
    const [, kind, seed, what] = said;
    return { file, name: file.replace(/\.patch$/, ""), kind, seed, what };
  });
}

const apply = (bug, ...options) => run("git", ["apply", ...options, join(folder, bug.file)], { quiet: true });

/** Fails if a patch no longer applies. */
export async function checkBugs() {
  for (const bug of allBugs()) await apply(bug, "--check");
}

/** Builds the world with each bug that has one of `words` in its name, or with all, and runs the
 * bug's seed. With `--renew` among the words, a bug that its seed misses gets the first that catches
 * it. Returns whether all were caught. */
export async function catchBugs(words) {
  const names = words.filter((word) => word !== "--renew");
  const renews = names.length < words.length;
  const chosen = allBugs().filter(
    (bug) => names.length === 0 || names.some((name) => bug.name.includes(name)),
  );
  if (chosen.length === 0) throw new Advice(`no bug in ${folder} is called ${names.join(" or ")}`);
  copySources();
  const rows = [];
  for (const [n, bug] of chosen.entries()) {
    const started = Date.now();
    process.stdout.write(`${n + 1}/${chosen.length} ${bug.name} … `);
    const row = { ...bug, ...(await catchBug(bug)) };
    if (renews && row.other) renew(row);
    rows.push(row);
    console.log(`${row.caught ? "caught" : "NOT CAUGHT"} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
  const width = Math.max(...rows.map((row) => row.name.length));
  console.log();
  for (const row of rows) {
    const by = `${row.kind} ${row.seed}`.padEnd(12);
    console.log(`${row.caught ? "caught" : "MISSED"}  ${by}  ${row.name.padEnd(width)}  ${row.seen}`);
  }
  const caught = rows.filter((row) => row.caught).length;
  console.log(`\n${caught} of ${rows.length} bugs are caught by the seeds that they name`);
  return caught === rows.length;
}

/** Writes into a patch which seed catches its bug. */
function renew(row) {
  const file = join(root, folder, row.file);
  const text = readFileSync(file, "utf8").replace(/^# \w+ \d+:/, `# ${row.kind} ${row.other.seed}:`);
  writeFileSync(file, text);
  Object.assign(row, { caught: true, seed: row.other.seed, seen: row.other.what });
}

function copySources() {
  mkdirSync(join(root, scratch, "target"), { recursive: true });
  // Cargo demands that each target of Cargo.toml is there, whichever it builds.
  for (const name of ["src", "tests", "benches", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"]) {
    rmSync(join(root, scratch, name), { recursive: true, force: true });
    cpSync(join(root, name), join(root, scratch, name), { recursive: true });
  }
}

async function catchBug(bug) {
  await apply(bug, `--directory=${scratch}`);
  try {
    const cargo = ["build", "--quiet", "--profile", "sim", "--features", "sim", "--bin", "sim"];
    const cwd = join(root, scratch);
    rmSync(binary, { force: true });
    await run("cargo", [...cargo, "--target-dir", "target"], { cwd, quiet: true });
    if (!existsSync(binary)) throw new Advice(`${binary} was not built`);
    const kind = bug.kind === "seed" ? [] : [`--${bug.kind}`];
    const seen = await brokenBy(["--seeds", "1", "--first", bug.seed, ...kind]);
    if (seen) return { caught: true, seen: seen.what };
    const other = await brokenBy(["--seeds", `${searched}`, ...kind]);
    return { caught: false, other, seen: other ? `seed ${other.seed} would: ${other.what}` : "by no seed" };
  } finally {
    await apply(bug, "--reverse", `--directory=${scratch}`);
  }
}

/** The first violation of a run, with its seed. `undefined` if every law holds. */
async function brokenBy(args) {
  try {
    await run(binary, args, { cwd: join(root, scratch), quiet: true });
    return undefined;
  } catch (error) {
    const said = /seed (\d+) breaks .*\n- (.*)/.exec(error.stdout);
    if (!said) throw error;
    return { seed: said[1], what: said[2] };
  }
}
