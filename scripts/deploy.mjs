// npm run deploy: wrangler deploy, with what it deploys built and checked.

import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { setup } from "./lib/setup.mjs";
import { deploy } from "./lib/wrangler.mjs";

await main(async () => {
  await setup();
  await build("release");
  await deploy(process.argv.slice(2));
});
