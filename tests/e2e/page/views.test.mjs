// States of the operator's page that a Worker in workerd does not show, or not within seconds: over routes that
// answer what a test wants. And the page by keyboard alone.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  axe,
  choose,
  openBrowser,
  openTab,
  openView,
  overflow,
  signIn,
  skip,
  until,
} from "./lib/browser.mjs";
import { statistics } from "./lib/numbers.mjs";
import { HEALTHY, refuses, Shapes, TOKEN } from "./lib/shapes.mjs";

const browser = skip ? null : await openBrowser();

async function serve(answers = {}) {
  const shapes = Object.assign(await new Shapes().listen(), { answers });
  after(() => shapes.close());
  return shapes;
}

for (const scheme of ["light", "dark"])
  test(`axe finds nothing in the form that signs in, ${scheme}`, { skip }, async () => {
    const shapes = await serve();
    const page = await openTab(browser, shapes.url, { scheme, forAxe: true });
    await page.getByLabel("Admin token").waitFor();
    assert.deepEqual(await axe(page), []);
  });

test("on a narrow screen the menu opens and closes", { skip }, async () => {
  const shapes = await serve();
  const page = await openTab(browser, shapes.url, { width: 360, height: 740 });
  await signIn(page, TOKEN);
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("link", { name: "Purges" }).click();
  await page.getByRole("heading", { level: 1, name: "Purges" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Purges" }).isVisible(), false, "the menu closes");
  assert.equal(await overflow(page), 0);
  assert.deepEqual(page.faults, []);
});

test("charts move as the numbers do, split by type too", { skip }, async () => {
  const shapes = await serve();
  const first = statistics(3_600, null);
  shapes.answers["GET stats"] = (parameters) =>
    parameters.get("by") ? statistics(3_600, parameters.get("by")) : first;
  const page = await openTab(browser, shapes.url);
  await signIn(page, TOKEN);
  const chart = (title) => page.locator("figure", { has: page.getByText(title, { exact: true }) });
  const drawing = (title) =>
    chart(title)
      .locator("canvas")
      .evaluate((canvas) => canvas.toDataURL());
  const hits = () => chart("Requests").locator(".legend li", { hasText: "Hits" }).textContent();
  await page.waitForFunction(() => {
    const canvases = [...document.querySelectorAll("canvas")];
    const isDrawn = (canvas) =>
      canvas
        .getContext("2d")
        .getImageData(0, 0, canvas.width, canvas.height)
        .data.some((part) => part > 0);
    return canvases.length > 1 && canvases.every(isDrawn);
  });
  const before = [await drawing("Requests"), await drawing("Hit rate"), await hits()];
  const last = first.series.at(-1);
  Object.assign(last, { hits: last.hits + 1_000, misses: last.misses + 4_000 });
  await choose(page, "15 min");
  await page.waitForFunction((text) => !document.body.textContent.includes(text), before[2]);
  for (const [index, title] of ["Requests", "Hit rate"].entries())
    await until(async () => (await drawing(title)) !== before[index], `${title} is drawn again`);
  const summary = await page.getByRole("img", { name: /^Requests\./ }).getAttribute("aria-label");
  assert.match(summary, /Hits: [\d,]+.*Misses: [\d,]+/);
  await choose(page, "By type");
  await page.getByRole("img", { name: /^Hit rate by type\. product: from/ }).waitFor();
  assert.deepEqual(page.faults, []);
});

test("by keyboard alone: sign in, choose a view, purge everything, and stop at the question", {
  skip,
}, async () => {
  const shapes = await serve();
  const page = await openTab(browser, shapes.url);
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
    });
  const untilFocused = (name) => until(async () => (await focused()) === name, `the focus is on ${name}`);
  const tabTo = async (name) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if ((await focused()).trim() === name) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`Tab does not reach ${name}`);
  };
  await page.getByLabel("Admin token").waitFor();
  await tabTo("Admin token");
  await page.keyboard.type(TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the content");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "the focus is visible");
  await page.keyboard.press("Enter");
  await tabTo("1 h");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), "24 h");
  await page.keyboard.press("Shift+Tab");
  await openView(page, "overview");
  await page.evaluate(() => document.activeElement.blur());
  await tabTo("Purges");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Purges" }).waitFor();
  // Reading continues at the new view, and not at the link, which has the same name.
  const tag = () => page.evaluate(() => document.activeElement.localName);
  await until(async () => (await tag()) === "h1", "the focus is on the heading");
  assert.equal(await focused(), "Purges");
  await tabTo("Everything of this service");
  await page.keyboard.press("Space");
  await tabTo("Purge everything…");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // The focus goes back.
  await untilFocused("Purge everything…");
  assert.equal(shapes.requests.filter(({ method }) => method === "POST").length, 0);
});

test("refusals say what to do: attempts, roles, routes that are not there, a Worker that is gone", {
  skip,
}, async () => {
  const shapes = await serve({ "GET stats": refuses(429, "too many attempts", { "retry-after": "42" }) });
  const page = await openTab(browser, shapes.url);
  await page.getByLabel("Admin token").fill("guess");
  await page.keyboard.press("Enter");
  const alert = page.getByRole("alert");
  const says = (pattern) => alert.filter({ hasText: pattern }).first().waitFor();
  await says(/not one of ADMIN_TOKENS/);
  await page.getByLabel("Admin token").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.getByText("Try again in 42 s.").waitFor();
  shapes.answers = {
    "POST purge": refuses(403, "use a token with the role purge"),
    "GET audit": refuses(404, "no such route"),
    "GET entries": refuses(503, "KV: timed out"),
  };
  await signIn(page, TOKEN);
  await openView(page, "purges");
  await page.getByLabel("Tag 1").fill("Product:42");
  await page.getByRole("button", { name: "Purge", exact: true }).click();
  await says(/use a token with the role purge/);
  await openView(page, "audit");
  await says(/newer version/);
  await openView(page, "entries");
  await says(/KV: timed out/);
  delete shapes.answers["GET entries"];
  await page.getByRole("button", { name: "Try again" }).click();
  await page
    .getByRole("button", { name: /GetProduct/ })
    .first()
    .waitFor();
  // A token that was taken away ends the session.
  shapes.answers["GET config"] = refuses(401, "send a token");
  await page.evaluate(() => {
    location.hash = "#/configuration";
  });
  await page.getByText("The token is not valid any more").waitFor();
  shapes.close();
  await page.getByLabel("Admin token").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.getByText("The Worker cannot be reached").first().waitFor();
});

test("empty and waiting views say so, and a paused or failing service is on every view", {
  skip,
}, async () => {
  const empty = {
    ...statistics(),
    series: [],
    total_requests: 0,
    hits: 0,
    recent_purges: [],
    purges: 0,
    rows: [],
  };
  const parts = { ...HEALTHY.parts, kv: { state: "DEGRADED", reason: "timed out" } };
  const alerts = [
    { alert: "hit-rate", state: "firing", value: 0.41, threshold: 0.5, since: Date.now() - 60_000 },
  ];
  let paused = { until: Date.now() + 600_000 };
  const shapes = await serve({
    "GET stats": empty,
    "GET entries": { entries: [], cursor: null },
    "GET audit": { changes: [] },
    "GET health": () => ({ ...HEALTHY, state: "DEGRADED", parts, alerts, paused, deployment: {} }),
    "POST resume": () => {
      paused = null;
      return { seq: 9 };
    },
  });
  shapes.isOpen = true;
  const page = await openTab(browser, shapes.url, { forAxe: true });
  await page.getByText("No requests in this window").waitFor();
  for (const text of ["The cache is paused.", "An alert fires.", "KV: timed out", "threshold 50.0"])
    await page.getByText(text).first().waitFor();
  assert.deepEqual(await axe(page), []);
  await openView(page, "purges");
  await page.getByText("No purges yet").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("The cache is paused.").waitFor({ state: "detached" });
  for (const [view, text] of [
    ["entries", "KV holds no entries"],
    ["audit", "No changes yet"],
    ["operations", "No traffic in this window"],
  ]) {
    await openView(page, view);
    await page.getByText(text).waitFor();
  }
  shapes.hanging.add("config");
  await page.evaluate(() => {
    location.hash = "#/configuration";
  });
  await page.locator("main .loading").first().waitFor();
  assert.deepEqual(await axe(page), []);
});

test("warming goes on with what remains, shows progress, and stops when it is told to", {
  skip,
}, async () => {
  const shapes = await serve();
  const page = await openTab(browser, shapes.url);
  await signIn(page, TOKEN);
  await openView(page, "warm");
  await choose(page, "A list");
  const list = Array.from({ length: 20 }, (_, n) => `/api/products/${n}`).join("\n");
  await page.getByRole("textbox", { name: "Requests" }).fill(list);
  await page.getByRole("button", { name: "Warm", exact: true }).click();
  await page.getByText("Done: 20 of 20").waitFor();
  const sent = () =>
    shapes.requests.filter(({ route }) => route === "warm").map(({ body }) => body.requests.length);
  assert.deepEqual(sent(), [20, 12, 4]);
  shapes.hanging.add("warm");
  await page.getByRole("button", { name: "Warm", exact: true }).click();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("Stopped: 0 of 20").waitFor();
});

test("an answer that a view cannot show leaves the other views usable", { skip }, async () => {
  const shapes = await serve({ "GET audit": { changes: [null] } });
  const page = await openTab(browser, shapes.url);
  await signIn(page, TOKEN);
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByText("This view cannot show what the Worker said").waitFor();
  await page.getByRole("link", { name: "Entries" }).click();
  await page
    .getByRole("button", { name: /GetProduct/ })
    .first()
    .waitFor();
});
