// npm run build: the Worker and its configuration into build/. wrangler runs it too (`[build]` in
// wrangler.toml), and again when a file changes under `wrangler dev`.
// For `wrangler dev` a quick build is enough. `-- --env NAME` builds for an environment.

import { profileFor } from "../tools/profiles.mjs";
import { Advice, main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { checkWrangler, configure, hasLastBuild, keepFault } from "./lib/configuration.mjs";
import { ensureRust } from "./lib/rust.mjs";
import { setup } from "./lib/setup.mjs";
import { showSummary } from "./lib/summary.mjs";
import { useOptions } from "./lib/wrangler.mjs";

/** "dev" or "deploy" if wrangler runs this script. */
const command = process.env.WRANGLER_COMMAND;

await main(async () => {
  try {
    useOptions(process.argv.slice(2));
    await ensureRust();
    await setup();
    await checkWrangler();
    await build(profileFor(process.env));
    const configured = await configure();
    if (command === undefined) showSummary(configured);
    if (command === "dev")
      console.log(`Configuration in use: ${configured.files.join(", ") || "the binding EVERGRAPH"}`);
  } catch (error) {
    // A build command that fails would end `wrangler dev`.
    if (command !== "dev" || !(error instanceof Advice) || !hasLastBuild()) throw error;
    const fault = `${error.message}\nThe last valid build stays in use until you save again.`;
    console.log(fault);
    keepFault(fault);
  }
});
