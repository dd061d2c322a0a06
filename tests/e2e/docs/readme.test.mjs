// The README's section "What you see": its commands are run as they are written, and print what it says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "smol-toml";
import { startOrigin } from "../../../tools/demo-shop.mjs";
import { root, run } from "../../../tools/processes.mjs";
import { startWorld } from "../lib/world.mjs";

const readme = readFileSync(join(root, "README.md"), "utf8");
const section = /^## What you see\n([\s\S]*?)^## /m.exec(readme)[1];
const [, settings] = /^```sh\n([\s\S]*?)^```/m.exec(section);
const commands = [...section.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
  block.split(/^\$ /m).slice(1).map(commandAndOutput),
);

/** A command goes on in the next line after a backslash; what follows it is its output. */
function commandAndOutput(text) {
  const lines = text.trimEnd().split("\n");
  const last = lines.findIndex((line) => !line.endsWith("\\"));
  return { command: lines.slice(0, last + 1).join("\n"), output: lines.slice(last + 1).join("\n") };
}

/** Output without what differs from run to run: durations and remaining lifetimes. */
const steady = (output) =>
  output
    .trimEnd()
    .replaceAll(/\d+\.\d{6}s/g, "0s")
    .replaceAll(/ttl=\d+/g, "ttl=0");

const { origin: _, ...config } = parse(readFileSync(join(root, "examples/shop/evergraph.toml"), "utf8"));
const shop = await startOrigin();
after(shop.stop);
const world = await startWorld({ config, originUrl: shop.url });
const variables = settings.replace("http://localhost:8787", world.url("").replace(/\/$/, ""));

// Without the variable, the tests that a command runs do not count as a part of this file.
const env = { NODE_TEST_CONTEXT: undefined };
const shell = (command) => run("bash", ["-c", `${variables}\n${command}`], { capture: true, env });

/** Runs a command, and compares what it prints. Three dots stand for any text. */
async function check({ command, output }) {
  const pieces = steady(output).split("...");
  const printed = steady(await shell(command));
  if (pieces.length === 1) return assert.equal(printed, pieces[0], command);
  const expected = pieces.map(escaped).join("[^]*");
  assert.match(printed, new RegExp(`^${expected}$`), command);
}

const escaped = (text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** The commands after KV is unbound. */
const withoutKv = commands.findIndex(({ output }) => output.includes("detail=edge"));

test("a slow response becomes fast, and a mutation is visible at once", async () => {
  assert.ok(withoutKv >= 6, `${withoutKv} commands`);
  for (const command of commands.slice(0, withoutKv)) {
    await check(command);
    await world.admin("health"); // what is being stored is stored
  }
});

test("without KV, entries come from the edge cache", async () => {
  world.options.kv = false;
  await world.redeploy(world.configs[0]);
  const rest = commands.slice(withoutKv).filter(({ command }) => command.includes("curl"));
  assert.equal(rest.length, 2);
  for (const command of rest) await check(command);
});

test("the tests of a failing KV print what the README says", async () => {
  const [command, ...others] = commands.filter((one) => one.command.includes("--test"));
  assert.equal(others.length, 0);
  await check(command);
});
