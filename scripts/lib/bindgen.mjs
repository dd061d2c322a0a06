// The program that writes the JavaScript bindings of Wasm: wasm-bindgen, downloaded, or the part of it in
// tools/bindgen, built. Both take the same arguments. Kept for every clone of the repository.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root, run } from "../../tools/processes.mjs";
import { Advice, step } from "../../tools/script.mjs";

/** Seconds for GitHub to answer at all, and for the whole download. */
const [ANSWER, DOWNLOAD] = [5, 60];

/** Tools by `<name>-<version>/bin/<name>`. */
const tools =
  process.env.EVERGRAPH_TOOLS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "evergraph");

const toolPath = (name, version) => join(tools, `${name}-${version}`, "bin", name);

/** The program's path. Downloads or builds it if there is none yet. */
export async function bindgen() {
  const version = lockedVersion("Cargo.lock");
  if (lockedVersion("tools/bindgen/Cargo.lock") !== version) {
    throw new Advice(
      `tools/bindgen must use wasm-bindgen-cli-support ${version}, the version of wasm-bindgen in Cargo.lock.`,
    );
  }
  const downloaded = toolPath("wasm-bindgen", version);
  const built = toolPath("bindgen", `${version}-${digestOfSources()}`);
  const found = [downloaded, built].find(existsSync);
  if (found !== undefined) return found;
  try {
    await step(`downloading wasm-bindgen ${version} from GitHub`, () => download(version, downloaded));
    return downloaded;
  } catch (error) {
    console.log(`  not possible (${error.cause?.message ?? error.message})`);
  }
  await step("building tools/bindgen instead, once for this machine", () => install(built), {
    ticks: !process.stderr.isTTY,
  });
  return built;
}

/** The version of wasm-bindgen in a lock file. The program and the crate must have the same. */
function lockedVersion(file) {
  const lock = readFileSync(join(root, file), "utf8");
  const version = /name = "wasm-bindgen(?:-cli-support)?"\nversion = "(.+)"/.exec(lock)?.[1];
  if (version === undefined) {
    throw new Advice(`${file} does not name wasm-bindgen; restore it with \`git checkout ${file}\`.`);
  }
  return version;
}

function digestOfSources() {
  const digest = createHash("sha256");
  for (const file of ["Cargo.toml", "Cargo.lock", "src/main.rs"]) {
    digest.update(readFileSync(join(root, "tools/bindgen", file)));
  }
  return digest.digest("hex").slice(0, 8);
}

async function download(version, place) {
  const targets = {
    "linux-x64": "x86_64-unknown-linux-musl",
    "linux-arm64": "aarch64-unknown-linux-musl",
    "darwin-x64": "x86_64-apple-darwin",
    "darwin-arm64": "aarch64-apple-darwin",
  };
  const target = targets[`${process.platform}-${process.arch}`];
  if (!target) throw new Error(`there is no download for ${process.platform}-${process.arch}`);
  const name = `wasm-bindgen-${version}-${target}`;
  const archive = await fetchWithin(
    `https://github.com/wasm-bindgen/wasm-bindgen/releases/download/${version}/${name}.tar.gz`,
  );
  const folder = mkdtempSync(join(tmpdir(), "evergraph-"));
  try {
    writeFileSync(join(folder, "archive.tar.gz"), archive);
    await run("tar", ["-xzf", "archive.tar.gz"], { cwd: folder, quiet: true });
    const program = join(folder, name, "wasm-bindgen");
    const said = await run(program, ["--version"], { capture: true });
    if (!said.includes(version)) throw new Error(`its version is ${said.trim()}`);
    keep(program, place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchWithin(url) {
  const abort = new AbortController();
  const limit = (seconds) =>
    setTimeout(() => abort.abort(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  const timers = [limit(ANSWER), limit(DOWNLOAD)];
  try {
    const response = await fetch(url, { signal: abort.signal });
    clearTimeout(timers[0]);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

async function install(place) {
  const target = mkdtempSync(join(tmpdir(), "evergraph-"));
  try {
    await run("cargo", ["build", "--release", "--locked", "--manifest-path", "tools/bindgen/Cargo.toml"], {
      env: { CARGO_TARGET_DIR: target },
    });
    keep(join(target, "release/bindgen"), place);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** Copies a program to its place, where another start never finds half of it. */
function keep(program, place) {
  mkdirSync(dirname(place), { recursive: true });
  const copy = `${place}.${process.pid}`;
  writeFileSync(copy, readFileSync(program), { mode: 0o755 });
  renameSync(copy, place);
}
