// Running other programs, and saying how long things take.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** A program that npm installed. */
export const bin = (name) => join(root, "node_modules/.bin", name);

/** The Node.js that wrangler and the demo need, whatever Node.js runs this script. */
export const node = join(root, "node_modules/node/bin/node");

/** An error whose message is all that the user needs. */
export class Advice extends Error {}

/** Runs a program to its end; rejects where it fails. Returns its standard output if `capture`. */
export function run(command, args, { capture = false, quiet = false, env, input, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const output = capture || quiet ? "pipe" : "inherit";
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input === undefined ? "ignore" : "pipe", output, output],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout?.on("data", (data) => {
      stdout += data;
    });
    child.stderr?.on("data", (data) => {
      stderr += data;
    });
    child.stdin?.end(input);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) return resolve(stdout);
      const said = `${stdout}${stderr}`.trimEnd().split("\n").slice(-30).join("\n");
      const failure = new Advice(`${command} ${args.join(" ")} ended with status ${code}\n${said}`);
      reject(Object.assign(failure, { stdout, stderr }));
    });
  });
}

/** Starts a program that runs until it is stopped. */
export function start(command, args, { env, stdio = "inherit", cwd = root } = {}) {
  return spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
}

/** Ends a program by its own process id, and waits until it has ended. */
export function stop(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const hard = setTimeout(() => child.kill("SIGKILL"), 5_000);
    child.once("exit", () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

/** Does a step, and says that it does and how long it took. */
export async function step(name, work) {
  const started = Date.now();
  console.log(`• ${name} …`);
  const result = await work();
  console.log(`  done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

/** Runs a script's main function; failures that name their remedy are shown without a stack. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Advice ? `\n${error.message}` : error.stack);
    process.exit(1);
  }
}

/** A port on loopback that nobody uses now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Asks a URL until it answers at all. */
export async function untilAnswers(url, { seconds = 60, child } = {}) {
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until) {
    if (child && child.exitCode !== null) throw new Error(`ended before ${url} answered`);
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`${url} did not answer within ${seconds} s`);
}
