// `npx evergraph`: npm finds the program of the package in whose folder it runs, without an installation.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, utimesSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../../../tools/processes.mjs";

// The program that the native tests have built as well.
const env = { ...process.env, EVERGRAPH_CLI_PROFILE: "dev", EVERGRAPH_URL: "", EVERGRAPH_TOKEN: "" };
const script = join(root, "scripts/evergraph.mjs");

function ended(command, args, { cwd = root, onStart } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const said = { stdout: "", stderr: "" };
    child.stdout.on("data", (data) => {
      said.stdout += data;
    });
    child.stderr.on("data", (data) => {
      said.stderr += data;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...said }));
    onStart?.(child);
  });
}

before(async () => {
  const built = await ended(process.execPath, [script, "--version"]);
  assert.equal(built.code, 0, built.stderr);
  assert.match(built.stdout, /^evergraph \d+\.\d+\.\d+\n$/);
});

test("npx runs it, and passes its exit status on", async () => {
  const version = await ended("npx", ["evergraph", "--version"]);
  assert.deepEqual([version.code, version.stderr], [0, ""]);
  const unreachable = await ended("npx", ["evergraph", "stats", "--url", "http://127.0.0.1:1"]);
  assert.equal(unreachable.code, 3, unreachable.stderr);
});

test("it is built once, also if cargo finds nothing to do", async () => {
  const program = join(root, "target/debug/evergraph");
  utimesSync(program, 0, 0);
  assert.equal((await ended(process.execPath, [script, "--version"])).code, 0);
  assert.ok(statSync(program).mtimeMs > Date.now() - 600_000);
});

test("it runs in the caller's folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "evergraph-npx-"));
  try {
    const checked = await ended(process.execPath, [script, "config", "check"], { cwd: folder });
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /^evergraph\.toml: cannot be read/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a signal ends it", async () => {
  let server;
  const isAsked = new Promise((resolve) => {
    // It never answers.
    server = createServer(resolve).listen(0, "127.0.0.1");
  });
  after(() => server.closeAllConnections() ?? server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const stopped = await ended(process.execPath, [script, "stats", "--url", url], {
    onStart: (child) => isAsked.then(() => child.kill("SIGTERM")),
  });
  assert.equal(stopped.signal, "SIGTERM");
});
