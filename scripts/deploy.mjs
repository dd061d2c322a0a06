// npm run deploy: `wrangler deploy`, with what it deploys built, checked and summarized. `-- --env NAME`
// deploys an environment of wrangler.toml, with evergraph.NAME.toml merged over evergraph.toml.

import { profileFor } from "../tools/profiles.mjs";
import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { configure } from "./lib/configuration.mjs";
import { ensureRust } from "./lib/rust.mjs";
import { setup } from "./lib/setup.mjs";
import { showSummary } from "./lib/summary.mjs";
import { deploy, environmentIn } from "./lib/wrangler.mjs";

await main(async () => {
  const args = process.argv.slice(2);
  // wrangler does not tell its build command which environment it deploys; this variable tells both.
  const environment = environmentIn(args);
  if (environment !== undefined) process.env.CLOUDFLARE_ENV = environment;
  await ensureRust();
  await setup();
  await build(profileFor(process.env));
  showSummary(await configure());
  await deploy(args);
});
