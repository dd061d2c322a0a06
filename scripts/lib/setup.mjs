// Installs what the project needs and does not have yet. Idempotent; quick when nothing is missing.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { bin, node, root, run } from "../../tools/processes.mjs";
import { Advice, step } from "../../tools/script.mjs";

const LEAST_NODE = 20;
const WORKER_BUILD = "0.8.7";
const TARGET = "wasm32-unknown-unknown";

/** Built tools, shared by every clone: `<name>-<version>/bin/<name>`. */
const tools =
  process.env.EVERGRAPH_TOOLS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "evergraph");

/** The programs that the build calls, by absolute path. */
export const toolchain = {
  workerBuild: toolPath("worker-build", WORKER_BUILD),
  get wasmBindgen() {
    return toolPath("wasm-bindgen", wasmBindgenVersion());
  },
};

/** Everything for building and running. */
export async function setup() {
  checkNode();
  await checkCargo();
  await npmPackages();
  await wasmTarget();
  await wasmBindgen();
  await workerBuild();
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < LEAST_NODE) {
    throw new Advice(
      `Install Node.js ${LEAST_NODE} or newer from https://nodejs.org (this is ${process.versions.node}).`,
    );
  }
}

async function checkCargo() {
  for (const program of ["cargo", "rustup"]) {
    try {
      await run(program, ["--version"], { quiet: true });
    } catch (error) {
      if (error.code === "ENOENT") {
        throw new Advice(`Install Rust with rustup from https://rustup.rs (${program} was not found).`);
      }
      // rustup refuses a toolchain that is not installed yet; wasmTarget installs it.
      if (!/not installed/.test(error.stderr ?? "")) throw error;
    }
  }
}

async function npmPackages() {
  const lock = readFileSync(join(root, "package-lock.json"));
  const wanted = createHash("sha256").update(lock).digest("hex");
  const marker = join(root, "node_modules/.evergraph");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted && existsSync(node)) return;
  await step("npm packages (wrangler, workerd, esbuild, a Node.js for them)", async () => {
    await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { quiet: true });
    if (!existsSync(node)) {
      throw new Advice(
        'npm did not run the install script of the package "node"; allow it with `npm install-scripts approve node` and `npm rebuild node`.',
      );
    }
    writeFileSync(marker, wanted);
  });
}

async function wasmTarget() {
  const channel = /channel = "(.+)"/.exec(readFileSync(join(root, "rust-toolchain.toml"), "utf8"))[1];
  try {
    const sysroot = (await run("rustc", ["--print", "sysroot"], { capture: true })).trim();
    if (existsSync(join(sysroot, "lib/rustlib", TARGET))) return;
  } catch {
    await step(`Rust ${channel}`, () =>
      run("rustup", [
        "toolchain",
        "install",
        channel,
        "--profile",
        "minimal",
        "--component",
        "rustfmt,clippy",
      ]),
    );
  }
  await step(`the ${TARGET} target`, () =>
    run("rustup", ["target", "add", TARGET, "--toolchain", channel], { quiet: true }),
  );
}

/** The wasm-bindgen program must have the version of the crate. */
function wasmBindgenVersion() {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const version = /name = "wasm-bindgen"\nversion = "(.+)"/.exec(lock)?.[1];
  if (!version)
    throw new Advice("Cargo.lock names no wasm-bindgen; restore it with `git checkout Cargo.lock`.");
  return version;
}

async function wasmBindgen() {
  const version = wasmBindgenVersion();
  if (existsSync(toolchain.wasmBindgen)) return;
  await step(`wasm-bindgen ${version}`, async () => {
    try {
      await downloadWasmBindgen(version);
    } catch (error) {
      console.log(`  no prebuilt one (${error.message}); building it, which takes minutes`);
      await cargoInstall("wasm-bindgen-cli", "wasm-bindgen", version);
    }
  });
}

async function workerBuild() {
  if (existsSync(toolchain.workerBuild)) return;
  // There are no prebuilt ones: github.com/cloudflare/workers-rs/issues/1021
  await step(`worker-build ${WORKER_BUILD} (from source, which takes minutes)`, () =>
    cargoInstall("worker-build", "worker-build", WORKER_BUILD),
  );
}

async function downloadWasmBindgen(version) {
  const targets = {
    "linux-x64": "x86_64-unknown-linux-musl",
    "linux-arm64": "aarch64-unknown-linux-musl",
    "darwin-x64": "x86_64-apple-darwin",
    "darwin-arm64": "aarch64-apple-darwin",
  };
  const target = targets[`${process.platform}-${process.arch}`];
  if (!target) throw new Error(`none for ${process.platform}-${process.arch}`);
  const name = `wasm-bindgen-${version}-${target}`;
  const url = `https://github.com/wasm-bindgen/wasm-bindgen/releases/download/${version}/${name}.tar.gz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const folder = join(tmpdir(), `evergraph-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, "archive.tar.gz"), Buffer.from(await response.arrayBuffer()));
    await run("tar", ["-xzf", "archive.tar.gz"], { cwd: folder, quiet: true });
    const program = join(folder, name, "wasm-bindgen");
    const said = await run(program, ["--version"], { capture: true });
    if (!said.includes(version)) throw new Error(`it says it is ${said.trim()}`);
    const place = join(tools, `wasm-bindgen-${version}/bin`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, ".wasm-bindgen"), readFileSync(program), { mode: 0o755 });
    renameSync(join(place, ".wasm-bindgen"), join(place, "wasm-bindgen"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds a tool with little optimization: it runs for seconds, and builds in a third of the time. */
async function cargoInstall(crate, program, version) {
  // A toolchain file in the current folder may name another toolchain, which the tools do not need.
  await run(
    "cargo",
    ["install", crate, "--version", version, "--root", join(tools, `${program}-${version}`)],
    {
      quiet: false,
      env: {
        CARGO_PROFILE_RELEASE_OPT_LEVEL: "1",
        CARGO_PROFILE_RELEASE_LTO: "off",
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
        CARGO_PROFILE_RELEASE_DEBUG: "0",
        CARGO_TARGET_DIR: join(tmpdir(), `evergraph-build-${program}-${version}`),
      },
    },
  );
  rmSync(join(tmpdir(), `evergraph-build-${program}-${version}`), { recursive: true, force: true });
}

function toolPath(name, version) {
  return join(tools, `${name}-${version}`, "bin", name);
}

/** The programs that worker-build would download, from npm. */
export const buildEnvironment = () => ({
  WASM_BINDGEN_BIN: toolchain.wasmBindgen,
  WASM_OPT_BIN: bin("wasm-opt"),
  ESBUILD_BIN: bin("esbuild"),
});
