// wrangler, run by the Node.js that it needs, and its configuration file.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { node, root, run, start } from "../../tools/processes.mjs";
import { Advice } from "../../tools/script.mjs";

const program = join(root, "node_modules/wrangler/bin/wrangler.js");
const env = {
  PATH: `${join(root, "node_modules/node/bin")}:${process.env.PATH}`,
  WRANGLER_SEND_METRICS: "false",
};

/** Starts `wrangler dev`. */
export function startDev(port, { extra = [], stdio } = {}) {
  const args = [program, "dev", "--port", String(port), "--show-interactive-dev-session=false", ...extra];
  return start(node, args, { env, stdio });
}

/** Runs `wrangler deploy` with more arguments. */
export const deploy = (extra) => run(node, [program, "deploy", ...extra], { env });

/** The value of `--env` among arguments for wrangler. */
export function environmentIn(args) {
  for (const [index, argument] of args.entries()) {
    const [, inline] = /^(?:--env|-e)=(.*)$/.exec(argument) ?? [];
    if (inline !== undefined) return inline;
    if (argument === "--env" || argument === "-e") return args[index + 1];
  }
  return undefined;
}

/** wrangler's configuration, and the name of its file: wrangler.toml, or wrangler.jsonc instead of it. */
export async function readWrangler() {
  const file = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"].find((name) =>
    existsSync(join(root, name)),
  );
  if (file === undefined) throw new Advice("wrangler.toml is missing; restore it from the repository.");
  const text = readFileSync(join(root, file), "utf8");
  try {
    if (file !== "wrangler.toml") return { file, config: withoutComments(text) };
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
