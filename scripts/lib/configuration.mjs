// The configuration: evergraph.toml is checked, and written next to the Worker as build/config.txt. A change
// of it needs no new Wasm.
//
// Four environment variables say which configuration it is. The scripts set them for the build command
// that wrangler runs:
//
//   CLOUDFLARE_ENV     an environment of wrangler.toml; evergraph.<name>.toml is merged over the file
//   EVERGRAPH_CONFIG   another file than evergraph.toml, such as the demo's
//   EVERGRAPH_ORIGIN   another origin than the file's, such as an API on this machine
//   EVERGRAPH_WRANGLER another file than wrangler.toml

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { root, run } from "../../tools/processes.mjs";
import { Advice, step } from "../../tools/script.mjs";
import { bindingFaults, bindings, environmentFaults, refusals } from "../../tools/wrangler-config.mjs";
import { readWrangler } from "./wrangler.mjs";

const program = join(root, "target/debug/check-config");
const buildFolder = join(root, "build");

/** Why the last build under `wrangler dev` failed. */
const faultFile = join(buildFolder, ".fault");

/** The demo shop's configuration. */
export const DEMO = "examples/shop/evergraph.toml";

/** The environment that is built. */
const environmentInUse = () => process.env.CLOUDFLARE_ENV || undefined;

/** Reads wrangler's file. An `Advice` names every fault in it. It takes no time, so it comes before the build. */
export async function checkWrangler() {
  const wrangler = await readWrangler();
  const { file, config } = wrangler;
  const faults = [
    ...refusals(config),
    ...bindingFaults(config),
    ...environmentFaults(config, environmentInUse()),
  ];
  if (faults.length > 0) throw new Advice(faults.map((fault) => `${file}: ${fault}`).join("\n"));
  return wrangler;
}

/**
 * Checks the configuration and what wrangler.toml says about it, and writes build/config.txt. If anything is
 * wrong, nothing is written, and an `Advice` names every fault.
 *
 * Returns the configuration in force, the files it comes from, the environment, and wrangler's file.
 */
export async function configure() {
  const environment = environmentInUse();
  const origin = process.env.EVERGRAPH_ORIGIN || undefined;
  const wrangler = await checkWrangler();
  await buildCheck();
  const bound = await boundConfiguration(wrangler, environment);
  if (bound !== undefined && origin !== undefined) {
    throw new Advice(
      `${wrangler.file}: vars.EVERGRAPH replaces the configuration file, so --origin has no effect. Remove vars.EVERGRAPH.`,
    );
  }
  if (bound !== undefined) {
    writeConfiguration("null");
    return { configuration: bound, files: [], environment, wrangler };
  }
  const files = configurationFiles(environment);
  const json = await checkedFiles(files, origin);
  writeConfiguration(json);
  return { configuration: JSON.parse(json), files, environment, wrangler };
}

/** Builds the program that checks. Only the first time takes long enough to say so. */
async function buildCheck() {
  const work = () => run("cargo", ["build", "--quiet", "--bin", "check-config"]);
  if (existsSync(program)) await work();
  else await step("the program that checks the configuration (cargo)", work, { ticks: true });
}

/** The files that are merged: evergraph.toml, and an environment's if it has one. */
function configurationFiles(environment) {
  const file = process.env.EVERGRAPH_CONFIG || "evergraph.toml";
  const own = environment && file.replace(/(\.toml)?$/, `.${environment}.toml`);
  return own && existsSync(resolve(root, own)) ? [file, own] : [file];
}

/** The merged configuration of TOML files, as JSON. */
async function checkedFiles(files, origin) {
  if (!existsSync(resolve(root, files[0]))) {
    throw new Advice(`${files[0]} is missing. ${DEMO} is an example; docs/configuration.md has every key.`);
  }
  return await check([...(origin === undefined ? [] : ["--origin", origin]), ...files]);
}

/** The value of the binding `EVERGRAPH` in the environment. Those of all environments are checked. */
async function boundConfiguration({ file, config }, environment) {
  let found;
  for (const { path, of, value } of bindings(config)) {
    const json = typeof value === "string" ? value : JSON.stringify(value);
    await check([], json, (fault) => `${file}: ${path}.${fault}`);
    if (of === environment) found = JSON.parse(json);
  }
  return found;
}

async function check(args, input, format = (fault) => fault) {
  try {
    return await run(program, args, { capture: true, input });
  } catch (error) {
    const faults = (error.stdout ?? "").trim();
    if (faults === "") throw error;
    throw new Advice(faults.split("\n").map(format).join("\n"));
  }
}

/** Keeps why a build under `wrangler dev` failed, until one succeeds. */
export function keepFault(message) {
  writeFileSync(faultFile, message);
}

/** Why the last build under `wrangler dev` failed, if it did. */
export function lastFault() {
  return existsSync(faultFile) ? readFileSync(faultFile, "utf8") : undefined;
}

/** Replaces the file at once: `wrangler dev` may be reading it. */
function writeConfiguration(json) {
  mkdirSync(buildFolder, { recursive: true });
  const draft = join(buildFolder, ".config.draft");
  writeFileSync(draft, json);
  renameSync(draft, join(buildFolder, "config.txt"));
  rmSync(faultFile, { force: true });
}

/** Whether there is a Worker with a configuration from an earlier build. */
export function hasLastBuild() {
  return ["index.js", "config.txt"].every((name) => existsSync(join(buildFolder, name)));
}
