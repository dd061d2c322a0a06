// npm run dev: wrangler dev alone, for the origin in wrangler.toml.

import { stop } from "../tools/processes.mjs";
import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { setup } from "./lib/setup.mjs";
import { ensureDevVars, startDev } from "./lib/wrangler.mjs";

await main(async () => {
  await setup();
  await build("quick");
  ensureDevVars();
  const dev = await startDev(Number(process.env.PORT ?? 8787), { extra: process.argv.slice(2) });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop(dev));
  dev.on("exit", (code) => process.exit(code ?? 0));
});
