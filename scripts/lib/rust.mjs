// Rust where it is missing: Cloudflare's build image, which the deploy button uses, has none
// (developers.cloudflare.com/workers/ci-cd/builds/build-image). Elsewhere, installing it is up to the user.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { run } from "../../tools/processes.mjs";
import { step } from "../../tools/script.mjs";

const folder = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "bin");

/** Installs rustup in a build on Cloudflare. `setup` then installs the toolchain. */
export async function ensureRust() {
  if (!process.env.WORKERS_CI) return;
  process.env.PATH = `${folder}${delimiter}${process.env.PATH}`;
  if (existsSync(join(folder, "rustup"))) return;
  const script =
    "curl --proto =https --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain none";
  await step("rustup", () => run("sh", ["-c", script], { quiet: true }));
}
