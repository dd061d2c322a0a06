// npm start: everything from a fresh clone to the demo shop behind Evergraph.

import { join } from "node:path";
import {
  checkPort,
  node,
  portFrom,
  root,
  start,
  stop,
  untilAnswers,
  whenNpmEnds,
} from "../tools/processes.mjs";
import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { configure, DEMO, lastFault } from "./lib/configuration.mjs";
import { setup } from "./lib/setup.mjs";
import { devVarsHave, ensureDevVars, startDev } from "./lib/wrangler.mjs";

await main(async () => {
  const port = portFrom("PORT", 8787);
  const originPort = portFrom("ORIGIN_PORT", 4000);
  const worker = `http://localhost:${port}`;
  const origin = `http://127.0.0.1:${originPort}`;
  // The demo's configuration, wherever its ports are. wrangler's build command gets these as well.
  process.env.EVERGRAPH_CONFIG ??= DEMO;
  process.env.EVERGRAPH_ORIGIN = origin;
  await checkPort(port, "PORT");
  await checkPort(originPort, "ORIGIN_PORT");
  await setup();
  await build("quick");
  await configure();
  ensureDevVars();
  const shop = start(
    node,
    ["--disable-warning=ExperimentalWarning", join(root, "examples/shop/server.mjs")],
    {
      env: { ORIGIN_PORT: String(originPort) },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const dev = startDev(port, { stdin: "ignore", lastFault });
  let ending = false;
  const end = async (status) => {
    if (ending) return;
    ending = true;
    await Promise.all([stop(dev), stop(shop)]);
    process.exit(status);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(0));
  whenNpmEnds(() => end(0));
  for (const [name, child] of [
    ["the demo shop", shop],
    ["wrangler dev", dev],
  ]) {
    child.on("exit", (code) => {
      if (!ending) console.error(`${name} ended (status ${code}).`);
      end(1);
    });
  }
  await untilAnswers(`${origin}/__origin/requests`, { child: shop });
  await untilAnswers(`${worker}/__evergraph/health`, { child: dev, seconds: 120 });
  const hasDevToken = devVarsHave("dev-token");
  const tokenHint = hasDevToken ? "dev-token" : "a token of .dev.vars";
  const bearer = hasDevToken ? "dev-token" : "<a token of .dev.vars>";
  console.log(`
Evergraph is at ${worker}, in front of the demo shop at ${origin}.

Try each of these twice:
  curl -i ${worker}/api/dashboard
  curl -i ${worker}/graphql -H 'content-type: application/json' -d '{"query":"{ product(id: 1) { __typename id name } }"}'
Then write, and read again:
  curl -i ${worker}/graphql -H 'content-type: application/json' -d '{"query":"mutation { ProductUpdate(id: 1, name: \\"New\\") { product { __typename id name } } }"}'

How many requests reached the shop: curl ${origin}/__origin/requests
Its configuration is ${process.env.EVERGRAPH_CONFIG}. A change applies when you save the file.
The operator's page: ${worker}/__evergraph/ (token: ${tokenHint})

Purge everything: curl ${worker}/__evergraph/purge -H 'authorization: Bearer ${bearer}' -d '{"all":true}'
Press Ctrl-C to stop both.
`);
});
