// Other programs: where they are, and how they are started and stopped.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { constants, setPriority } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Advice } from "./script.mjs";

/** The repository's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** A program that npm installed. */
export const bin = (name) => join(root, "node_modules/.bin", name);

/** The Node.js that wrangler and the demo need, whatever Node.js runs this script. */
export const node = join(root, "node_modules/node/bin/node");

/**
 * Runs a program to its end. Rejects if it fails. Resolves with its standard output if `capture`. With
 * `hasLowPriority` it makes way for all others.
 */
export function run(command, args, options = {}) {
  const { capture = false, quiet = false, hasLowPriority = false, env, input, cwd = root } = options;
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
    if (hasLowPriority && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
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

/** Starts a program that ends with this process at the latest; returns its child and what stops it. */
export function launch(command, args, options) {
  const child = start(command, args, options);
  const kill = () => child.kill();
  process.once("exit", kill);
  return {
    child,
    stop: () => {
      process.off("exit", kill);
      return stop(child);
    },
  };
}

/**
 * A free port on loopback. It is below those that the system gives to connections and to servers on port 0:
 * one of these could be taken before the caller listens on it.
 */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

/** The port that an environment variable sets. */
export function portFrom(variable, otherwise) {
  const text = process.env[variable] || String(otherwise);
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Advice(`${variable}=${text} is not a port. Use a number from 1 to 65535.`);
}

/**
 * Calls `work` when npm has ended and this script still runs: npm passes a signal on to its shell, which
 * ends without passing it on. Without npm, a script may outlive what started it.
 */
export function whenNpmEnds(work) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const polling = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(polling);
    work();
  }, 500);
  polling.unref();
}

/** Fails with an `Advice` if a port on this machine is in use. The environment variable sets another. */
export async function checkPort(port, variable) {
  if (await isFree(port)) return;
  throw new Advice(`Port ${port} is in use. Choose another with ${variable}=${port + 1}.`);
}

function isFree(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", (error) => (error.code === "EADDRINUSE" ? resolve(false) : reject(error)));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Requests a URL until there is a response. */
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
