// Installs what the project needs, as every other script does first. .ci/run does it once, before it runs two
// scripts at the same time.

import { main } from "../tools/script.mjs";
import { setup } from "./lib/setup.mjs";

await main(setup);
