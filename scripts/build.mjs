// npm run build: the Worker into build/. wrangler runs it as well, before `wrangler dev` and before
// `wrangler deploy`, and only the first is content with a quick build.

import { profileFor } from "../tools/profiles.mjs";
import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { setup } from "./lib/setup.mjs";

await main(async () => {
  await setup();
  await build(profileFor(process.env));
});
