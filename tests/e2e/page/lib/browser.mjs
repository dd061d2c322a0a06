// Chromium without a window, for tests of the operator's page.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { chromium } from "playwright-core";
import { root } from "../../../../tools/processes.mjs";
import { findProgram, required } from "../../lib/required.mjs";

const program = findProgram("chromium", "chromium-browser", "google-chrome-stable", "google-chrome");

/** For `test`: whether to skip what needs Chromium. */
export const skip = !required("Chromium", program);

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The browser of a test file. Playwright gives it a user data folder of its own, and removes that. */
export async function openBrowser() {
  const browser = await chromium.launch({ executablePath: program, args: FLAGS });
  after(() => browser.close());
  return browser;
}

/**
 * A tab in a fresh profile. `faults` collects what must not happen: violations of the policy, errors of the
 * script, and requests to other hosts.
 */
export async function openTab(
  browser,
  url,
  { scheme = "light", width = 1280, height = 860, forAxe = false } = {},
) {
  const context = await browser.newContext({
    colorScheme: scheme,
    reducedMotion: "reduce",
    // Nowhere near the clock of the machine.
    timezoneId: "Asia/Kolkata",
    viewport: { width, height },
    // axe is put into the page by a script, which the page's policy forbids.
    bypassCSP: forAxe,
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const faults = [];
  await page.exposeFunction("reportViolation", (text) => faults.push(`policy: ${text}`));
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) =>
      globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`),
    ),
  );
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) faults.push(`policy: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(url).origin) faults.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return Object.assign(page, { faults });
}

/** Signs in, and waits for the frame. */
export async function signIn(page, token) {
  await page.getByLabel("Admin token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("nav").waitFor({ state: "attached" });
}

/** Waits until a view shows what it was asked for: nothing is loading, and nothing of before is dimmed. */
export const settled = (page) =>
  page.waitForFunction(() => document.querySelector('main :is(.loading, [aria-busy="true"])') === null);

/** Waits until a condition holds, for 10 s at most. `what` names it in the error. */
export async function until(condition, what) {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await condition()) return;
    await delay(25);
  }
  throw new Error(`waited in vain: ${what}`);
}

/** Opens a view by its address, and waits until it is settled. */
export async function openView(page, name) {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${name}`);
  await page.getByRole("heading", { level: 1, name: new RegExp(name.split("?")[0], "i") }).waitFor();
  await settled(page);
}

/** Chooses one of the values of a choice, and waits until the view is settled. */
export async function choose(page, name) {
  await page.getByRole("radio", { name, exact: true }).check();
  await settled(page);
}

/** What axe finds in a tab that was opened for it, by all of its rules or by these. */
export async function axe(page, rules) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axeSource);
  // What is being loaded again is dimmed for that long.
  await page.waitForFunction(() => {
    const moves = document.getAnimations().some(({ playState }) => playState === "running");
    return !moves && document.querySelector('[aria-busy="true"]') === null;
  });
  const options = rules ? { runOnly: rules } : {};
  const { violations } = await page.evaluate((given) => globalThis.axe.run(given), options);
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" ; ")}`,
  );
}

/** How many pixels the page is wider than its window. */
export const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Takes a picture for the docs, if UPDATE_SCREENSHOTS=1. */
export async function screenshot(page, name) {
  if (process.env.UPDATE_SCREENSHOTS !== "1") return;
  const path = join(root, "docs/images", `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path });
}
