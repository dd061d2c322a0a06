// npm run build: the worker into build/.

import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { setup } from "./lib/setup.mjs";

await main(async () => {
  await setup();
  await build();
});
