// wrangler, run by the Node.js that it needs, and its configuration file.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runInNewContext } from "node:vm";
import { node, root, run, start } from "../../tools/processes.mjs";
import { Advice } from "../../tools/script.mjs";

const program = join(root, "node_modules/wrangler/bin/wrangler.js");
const env = {
  PATH: `${join(root, "node_modules/node/bin")}:${process.env.PATH}`,
  WRANGLER_SEND_METRICS: "false",
};

/**
 * Starts `wrangler dev`. wrangler reloads the Worker even after a failed build, which prints some 20 lines;
 * `lastFault` is asked afterwards for what is to be shown below them.
 */
export function startDev(port, { extra = [], stdin = "inherit", lastFault }) {
  const args = [program, "dev", "--port", String(port), "--show-interactive-dev-session=false", ...extra];
  const hasColor = process.stdout.isTTY && !process.env.NO_COLOR;
  const dev = start(node, args, {
    env: hasColor ? { FORCE_COLOR: "1", ...env } : env,
    stdio: [stdin, "pipe", "inherit"],
  });
  dev.stdout.on("data", (data) => {
    process.stdout.write(data);
    const fault = data.includes("server updated and ready") ? lastFault() : undefined;
    if (fault !== undefined) console.log(`\n${fault}`);
  });
  return dev;
}

/** Runs `wrangler deploy` with more arguments. */
export const deploy = (extra) => run(node, [program, "deploy", ...extra], { env });

/**
 * Takes `--env` and `--config` from arguments for wrangler into the environment variables that
 * configuration.mjs describes. wrangler does not tell its build command about them.
 */
export function useOptions(args) {
  const environment = optionIn(args, ["--env", "-e"]);
  if (environment !== undefined) process.env.CLOUDFLARE_ENV = environment;
  const config = optionIn(args, ["--config", "-c"]);
  if (config !== undefined) process.env.EVERGRAPH_WRANGLER = config;
}

/** The value of an option among arguments. */
function optionIn(args, names) {
  for (const [index, argument] of args.entries()) {
    if (names.includes(argument)) return args[index + 1];
    const name = names.find((name) => argument.startsWith(`${name}=`));
    if (name !== undefined) return argument.slice(name.length + 1);
  }
  return undefined;
}

/** wrangler's configuration, and the name of its file: wrangler.toml, or wrangler.jsonc instead of it. */
export async function readWrangler() {
  const file =
    process.env.EVERGRAPH_WRANGLER ||
    ["wrangler.json", "wrangler.jsonc", "wrangler.toml"].find((name) => existsSync(join(root, name)));
  if (file === undefined) throw new Advice("wrangler.toml is missing; restore it from the repository.");
  const path = resolve(root, file);
  if (!existsSync(path)) throw new Advice(`${file} is missing.`);
  const text = readFileSync(path, "utf8");
  try {
    if (!file.endsWith(".toml")) return { file, config: withoutComments(text) };
    const { parse } = await import("smol-toml");
    return { file, config: parse(text) };
  } catch (error) {
    throw new Advice(`${file}: ${error.message}`);
  }
}

/** JSON with comments and trailing commas is an expression of JavaScript. */
function withoutComments(text) {
  return JSON.parse(JSON.stringify(runInNewContext(`(${text}\n)`, Object.create(null))));
}

/** A token for trying the admin routes, where the user has none. Only `wrangler dev` reads it. */
export function ensureDevVars() {
  const file = join(root, ".dev.vars");
  if (!existsSync(file)) writeFileSync(file, "ADMIN_TOKENS=dev-token\n");
}

/** Whether `.dev.vars` has this entry among its tokens. */
export function devVarsHave(entry) {
  const text = readFileSync(join(root, ".dev.vars"), "utf8");
  const [, value = ""] = /^\s*(?:export\s+)?ADMIN_TOKENS\s*=(.*)$/m.exec(text) ?? [];
  const entries = value
    .trim()
    .replace(/^(["'])(.*)\1$/, "$2")
    .split(",");
  return entries.some((other) => other.trim() === entry);
}
