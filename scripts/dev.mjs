// npm run dev: `wrangler dev` alone, in front of the origin in evergraph.toml.
//
//   --origin URL   in front of another API, such as one on this machine
//   --env NAME     as an environment of wrangler.toml
//
// PORT moves it. Other arguments go to wrangler.

import { checkPort, portFrom, stop, whenNpmEnds } from "../tools/processes.mjs";
import { Advice, main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { checkWrangler, configure, lastFault } from "./lib/configuration.mjs";
import { setup } from "./lib/setup.mjs";
import { ensureDevVars, startDev, useOptions } from "./lib/wrangler.mjs";

await main(async () => {
  const port = portFrom("PORT", 8787);
  const extra = takeOrigin(process.argv.slice(2));
  useOptions(extra);
  await checkPort(port, "PORT");
  await setup();
  await checkWrangler();
  await build("quick");
  const { configuration } = await configure();
  ensureDevVars();
  console.log(
    `Evergraph will be at http://localhost:${port}, in front of ${configuration.origin ?? "no origin"}.`,
  );
  const dev = startDev(port, { extra, lastFault });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(dev));
  whenNpmEnds(() => stop(dev));
  dev.on("exit", (code) => process.exit(code ?? 0));
});

/** Keeps `--origin` for the build command, and returns the other arguments. */
function takeOrigin(args) {
  // No option of wrangler begins like it.
  const misspelled = args.find((argument) => /^--?o(?!rigin(=|$))|^-origin/.test(argument));
  if (misspelled) throw new Advice(`${misspelled} is not an option; did you mean --origin?`);
  const index = args.findIndex((argument) => /^--origin(=|$)/.test(argument));
  if (index === -1) return args;
  const [argument, next] = args.slice(index, index + 2);
  const inline = argument.startsWith("--origin=");
  const origin = inline ? argument.slice("--origin=".length) : next;
  if (!origin) throw new Advice("--origin needs an address, such as http://localhost:4000.");
  process.env.EVERGRAPH_ORIGIN = origin;
  return args.toSpliced(index, inline ? 1 : 2);
}
