// wrangler, run by the Node.js that it needs.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { node, root, run, start } from "../../tools/processes.mjs";

const program = join(root, "node_modules/wrangler/bin/wrangler.js");
const env = {
  PATH: `${join(root, "node_modules/node/bin")}:${process.env.PATH}`,
  WRANGLER_SEND_METRICS: "false",
};

/** Starts `wrangler dev`. With `origin`, for that origin instead of the one in wrangler.toml. */
export async function startDev(port, { origin, extra = [], stdio } = {}) {
  const args = [program, "dev", "--port", String(port), "--show-interactive-dev-session=false", ...extra];
  if (origin !== undefined)
    args.push("--var", `EVERGRAPH:${JSON.stringify({ ...(await configuration()), origin })}`);
  return start(node, args, { env, stdio });
}

/** Runs `wrangler deploy` with more arguments. */
export const deploy = (extra) => run(node, [program, "deploy", ...extra], { env });

/** The configuration in wrangler.toml. */
async function configuration() {
  const { parse } = await import("smol-toml");
  return parse(readFileSync(join(root, "wrangler.toml"), "utf8")).vars.EVERGRAPH;
}

/** A token for trying the admin routes, where the user has none. Only `wrangler dev` reads it. */
export function ensureDevVars() {
  const file = join(root, ".dev.vars");
  if (!existsSync(file)) writeFileSync(file, "ADMIN_TOKENS=dev-token\n");
}
