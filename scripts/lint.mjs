// npm run lint: rustfmt, clippy for native and for wasm32, biome for the JavaScript.

import { bin, run } from "../tools/processes.mjs";
import { main, step } from "../tools/script.mjs";
import { setup } from "./lib/setup.mjs";

const denied = ["--", "-D", "warnings"];

await main(async () => {
  await setup();
  await step("rustfmt", () => run("cargo", ["fmt", "--check"]));
  await step("rustfmt, tools/bindgen", () =>
    run("cargo", ["fmt", "--check", "--manifest-path", "tools/bindgen/Cargo.toml"]),
  );
  await step("clippy, native", () =>
    run("cargo", ["clippy", "--quiet", "--all-targets", "--all-features", ...denied]),
  );
  await step("clippy, wasm32", () =>
    run("cargo", ["clippy", "--quiet", "--lib", "--target", "wasm32-unknown-unknown", ...denied]),
  );
  await step("biome", () => run(bin("biome"), ["check", "--error-on-warnings"]));
});
