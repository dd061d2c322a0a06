// npm run deploy: `wrangler deploy`, with what it deploys built, checked and summarized. `-- --env NAME`
// deploys an environment of wrangler.toml, with evergraph.NAME.toml merged over evergraph.toml.

import { profileFor } from "../tools/profiles.mjs";
import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { checkWrangler, configure } from "./lib/configuration.mjs";
import { ensureRust } from "./lib/rust.mjs";
import { setup } from "./lib/setup.mjs";
import { showSummary } from "./lib/summary.mjs";
import { deploy, useOptions } from "./lib/wrangler.mjs";

await main(async () => {
  const args = process.argv.slice(2);
  useOptions(args);
  await ensureRust();
  await setup();
  await checkWrangler();
  await build(profileFor(process.env));
  showSummary(await configure());
  await deploy(args);
});
