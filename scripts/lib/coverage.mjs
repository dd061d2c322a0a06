// Which lines of the shipped service run in the simulated world: LLVM's source-based coverage.

import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { root, run } from "../../tools/processes.mjs";
import { Advice } from "../../tools/script.mjs";

const folder = join(root, "target/coverage");
const measured = "src/service/";
/** Seeds of each kind of run. */
const seeds = "16";

/** Builds the world with counters, runs it, and prints for each file of the service how many of its
 * lines ran. */
export async function showCoverage() {
  const [profdata, cov] = await tools();
  const binary = join(folder, "sim/sim");
  const counts = join(folder, "counts");
  rmSync(counts, { recursive: true, force: true });
  mkdirSync(counts, { recursive: true });
  const flags = { RUSTFLAGS: "-C instrument-coverage" };
  const cargo = ["build", "--quiet", "--profile", "sim", "--features", "sim", "--bin", "sim"];
  // Build scripts count too, and are to do so elsewhere.
  const quiet = { ...flags, LLVM_PROFILE_FILE: join(folder, "build.profraw") };
  await run("cargo", [...cargo, "--target-dir", folder], { cwd: root, quiet: true, env: quiet });
  const env = { ...flags, LLVM_PROFILE_FILE: join(counts, "%p.profraw") };
  for (const kind of [[], ["--oracle"], ["--signals"], ["--deploys"], ["--slow"]]) {
    await run(binary, ["--seeds", seeds, ...kind], { cwd: root, quiet: true, env });
  }
  const merged = join(folder, "merged.profdata");
  const raw = readdirSync(counts).map((name) => join(counts, name));
  await run(profdata, ["merge", "-sparse", ...raw, "-o", merged], { quiet: true });
  const args = ["export", "--summary-only", `--instr-profile=${merged}`, binary];
  const exported = await run(cov, args, { quiet: true });
  print(JSON.parse(exported).data[0].files);
}

function print(files) {
  const rows = files
    .map((file) => ({ name: relative(root, file.filename), ...file.summary.lines }))
    .filter((row) => row.name.startsWith(measured))
    .sort((one, other) => one.percent - other.percent);
  const show = ({ name, covered, count }) =>
    console.log(
      `${`${((100 * covered) / count).toFixed(0)} %`.padStart(6)}  ${`${covered}`.padStart(5)} of ${`${count}`.padStart(5)}  ${name}`,
    );
  rows.forEach(show);
  const sum = (of) => rows.reduce((all, row) => all + row[of], 0);
  show({ name: "all lines of the service", covered: sum("covered"), count: sum("count") });
}

/** `llvm-profdata` and `llvm-cov`, of the compiler's own version or, of another toolchain, of the same
 * LLVM. */
async function tools() {
  const sysroot = (await run("rustc", ["--print", "sysroot"], { quiet: true })).trim();
  const toolchains = join(process.env.RUSTUP_HOME ?? join(homedir(), ".rustup"), "toolchains");
  const others = existsSync(toolchains) ? readdirSync(toolchains).map((name) => join(toolchains, name)) : [];
  const target = /^host: (.+)$/m.exec(await run("rustc", ["--version", "--verbose"], { quiet: true }))[1];
  for (const toolchain of [sysroot, ...others]) {
    const both = ["llvm-profdata", "llvm-cov"].map((name) =>
      join(toolchain, "lib/rustlib", target, "bin", name),
    );
    if (both.every((tool) => existsSync(tool))) return both;
  }
  throw new Advice("coverage needs LLVM's tools: rustup component add llvm-tools");
}
