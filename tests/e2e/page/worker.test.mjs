// The operator's page in Chromium, over the Worker in workerd, with a day of traffic.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";
import {
  axe,
  choose,
  openBrowser,
  openTab,
  openView,
  overflow,
  screenshot,
  settled,
  signIn,
  skip,
} from "./lib/browser.mjs";
import { config, entry, PRODUCT, ShopOrigin, Visitors } from "./lib/day.mjs";

const VIEWS = ["overview", "operations", "purges", "explain", "warm", "entries", "audit", "configuration"];
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const [CI, READER] = ["ci-0123456789abcdef", "grafana-0123456789ab"];

// The second world has no statistics object, and no token in its second place.
const [world, bare] = await Promise.all([
  startWorld({
    config,
    entry,
    stats: true,
    adminTokens: `ops:admin:${ADMIN_TOKEN},ci:purge:${CI},grafana:read:${READER}`,
  }),
  startWorld({ config, places: 2, adminTokens: [ADMIN_TOKEN, ""] }),
]);
const shop = new ShopOrigin(world.origin);
const visitors = new Visitors(world, CI);
const isForDocs = process.env.UPDATE_SCREENSHOTS === "1";
if (isForDocs) shop.wait = 60;
await visitors.day(
  isForDocs
    ? { steps: 144, requests: 70, isolates: 20, shop }
    : { steps: 24, requests: 16, isolates: 2, shop },
);
shop.wait = 0;

const browser = skip ? null : await openBrowser();
const openPage = async (options) => {
  const page = await openTab(browser, world.url("/__evergraph/"), options);
  await signIn(page, options?.token ?? ADMIN_TOKEN);
  return page;
};
const product = (id, headers) => world.graphql(PRODUCT, { variables: { id }, headers });
const isHit = async (id) => (await product(id)).xCache === "HIT";
const stored = (id) => world.until(() => isHit(id), "it is stored");
const figure = (page, name) =>
  page.locator(".figures > div", { has: page.getByText(name, { exact: true }) }).locator(".value");
const button = (page, name) => page.getByRole("button", { name, exact: true });
const plural = (number) => `${number} ${number === 1 ? "entry" : "entries"}`;
const curl = (url) => `curl '${url}' -H 'content-type: application/json' -b 'sid=1; _ga=GA1.1' \\
  --data-raw '${JSON.stringify({ query: PRODUCT, variables: { id: "3" } })}'`;

async function explainCurl(page, url) {
  const summary = page.getByText("Paste a curl command", { exact: true });
  await summary.click();
  await page.getByLabel("Command").fill(curl(url));
  await button(page, "Fill in the form").click();
  await summary.click();
  await button(page, "Explain").click();
  await page.locator(".decision").waitFor();
}

/** Does in a view what shows the rest of it. */
const FILLED = {
  overview: async (page) => {
    await choose(page, "24 h");
    await page.getByRole("img", { name: /^Hit rate\./ }).waitFor();
  },
  operations: (page) => page.getByRole("rowheader", { name: /GetProduct/ }).waitFor(),
  purges: async (page) => {
    await page.getByLabel("Tag 1").fill("Product:3");
    await button(page, "Preview").click();
    await page.getByText("This would make").waitFor();
  },
  explain: async (page) => {
    await page.getByLabel("Method").selectOption("POST");
    await page.getByLabel("Body").fill(JSON.stringify({ query: PRODUCT, variables: { id: "3" } }));
    await page.getByLabel("Headers").fill("cookie: _ga=GA1.1\ncontent-type: application/json");
    await button(page, "Explain").click();
    await page.locator(".decision").waitFor();
  },
  warm: async (page) => {
    await page.getByLabel("Requests", { exact: true }).fill("12");
    await button(page, "Warm").click();
    await page.getByText(/Done: (\d+) of \1$/).waitFor();
  },
  entries: async (page) => {
    await page
      .getByRole("button", { name: /GetProduct/ })
      .first()
      .click();
    await button(page, "Show the body").click();
    await page.locator("pre.body").waitFor();
  },
  audit: (page) => page.getByRole("cell", { name: "POST purge" }).first().waitFor(),
  configuration: (page) => page.getByRole("heading", { name: "types.product" }).waitFor(),
};

test("screenshots for the docs", { skip: skip || !isForDocs }, async () => {
  for (const [view, scheme, height] of [
    ["overview", "light", 840],
    ["explain", "light", 840],
    ["purges", "dark", 780],
  ]) {
    const page = await openPage({ scheme, width: 1180, height });
    await openView(page, view);
    await page.locator("main h1").focus();
    if (view === "explain") await explainCurl(page, "https://shop.example/graphql");
    else await FILLED[view](page);
    await page.evaluate(() => scrollTo(0, 0));
    await page.mouse.move(0, 0);
    await screenshot(page, `page-${view}-${scheme}`);
  }
});

test("the page and its files are for everybody, with a strict policy, and are not sent twice", async () => {
  for (const [path, type] of [
    ["", "text/html; charset=utf-8"],
    ["page.js", "text/javascript; charset=utf-8"],
    ["page.css", "text/css; charset=utf-8"],
  ]) {
    const answer = await bare.admin(path, { token: null });
    assert.equal(answer.status, 200, path);
    const header = (name) => answer.headers.get(name);
    assert.equal(header("content-type"), type);
    assert.equal(header("content-security-policy"), POLICY);
    assert.equal(header("x-content-type-options"), "nosniff");
    assert.equal(header("referrer-policy"), "no-referrer");
    assert.equal(header("cache-control"), "no-cache");
    const again = await bare.ask(`/__evergraph/${path}`, { headers: { "if-none-match": header("etag") } });
    assert.deepEqual([again.status, again.text], [304, ""]);
  }
  const { text } = await bare.admin("", { token: null });
  assert.doesNotMatch(text, /<style|style=|<script(?! type="module" src)|https?:\/\/(?!www\.w3\.org)/);
  const posted = await bare.admin("page.js", { body: {}, token: null });
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
});

test("a wrong token is refused with a message, and the right one opens the page", { skip }, async () => {
  const page = await openTab(browser, world.url("/__evergraph/"));
  await page.getByLabel("Admin token").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /not one of ADMIN_TOKENS/);
  await signIn(page, ADMIN_TOKEN);
  await page.getByText("ops admin").waitFor();
  await world.until(async () => (await page.title()) === "Overview – Evergraph", "the title is set");
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, 0, ""]);
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
  assert.deepEqual(page.faults, []);
});

test("without a configured token, a browser is told how to configure one, and tools get JSON", async () => {
  const tools = await bare.ask("/__evergraph/", {}, 1);
  assert.equal(tools.status, 404);
  assert.match(tools.json.error, /no such route/);
  if (skip) return;
  const page = await openTab(browser, bare.url("/__evergraph/", 1));
  await page.getByRole("heading", { name: "Evergraph has no admin token" }).waitFor();
  assert.match(
    await page.locator("main").textContent(),
    /npx wrangler secret put ADMIN_TOKENS[\s\S]*\.dev\.vars/,
  );
  const font = await page.evaluate(() => getComputedStyle(document.body).maxWidth);
  assert.notEqual(font, "none", "the style sheet is in force");
  assert.deepEqual(page.faults, []);
});

test("without a statistics object, one isolate counts and there is no audit", { skip }, async () => {
  const page = await openTab(browser, bare.url("/__evergraph/"));
  await signIn(page, ADMIN_TOKEN);
  await page.getByText("No requests in this window").waitFor();
  await bare.ask("/health");
  await choose(page, "15 min");
  await page.getByText(/One isolate only: no statistics object is bound/).waitFor();
  await openView(page, "audit");
  assert.match(await page.getByRole("alert").textContent(), /add the binding STATS/);
  assert.deepEqual(page.faults, []);
});

test("the day is on the overview, and each operation, type, path and reason has a row", {
  skip,
}, async () => {
  const page = await openPage();
  await FILLED.overview(page);
  const stats = (await world.admin("stats?window=86400")).json;
  assert.ok(stats.series.length >= 20, `${stats.series.length} points`);
  const shown = async (name) => (await figure(page, name).textContent()).replaceAll(/[,\s]/g, "");
  const { total_requests: requests } = stats;
  await world.until(
    async () => (await shown("Requests")) === String(requests),
    `it has ${requests} requests`,
  );
  assert.equal(await shown("Hit rate"), `${(stats.hit_rate * 100).toFixed(1)}%`);
  const hits = `Hits: ${new Intl.NumberFormat("en").format(stats.hits)}`;
  const summary = await page.getByRole("img", { name: /^Requests\./ }).getAttribute("aria-label");
  assert.ok(summary.includes(hits), `${hits} in ${summary}`);
  await page.getByText("All isolates of the service").waitFor();
  for (const part of ["KV", "Purge log", "Origin", "Statistics"])
    await page.locator(".parts li", { hasText: part }).getByText("Healthy").first().waitFor();
  await choose(page, "By type");
  await page.getByRole("img", { name: /^Hit rate by type\. .*product: from/ }).waitFor();
  await openView(page, "operations");
  for (const [kind, names] of [
    ["Operations", ["GetProduct", "Viewer", "AddToCart"]],
    ["Types", ["product", "account"]],
    ["Paths", ["/api/products/1", "/api/checkout/quote"]],
    ["Reasons", ["cookie-without-scope: sid", "mutation"]],
  ]) {
    await choose(page, kind);
    for (const name of names) await page.getByRole("rowheader", { name }).first().waitFor();
  }
  assert.deepEqual(page.faults, []);
});

test("the numbers move under traffic", { skip }, async () => {
  const page = await openPage();
  const requests = async () => Number((await figure(page, "Requests").textContent()).replaceAll(",", ""));
  // Another window asks at once, instead of in 15 s.
  const again = async () => {
    await choose(page, "15 min");
    await choose(page, "24 h");
    return requests();
  };
  const before = await again();
  for (let n = 0; n < 5; n += 1) await product("1");
  await world.until(async () => (await again()) >= before + 5, "the requests are counted");
  assert.match(await figure(page, "Hit rate").textContent(), /\d\s%$/);
  assert.deepEqual(page.faults, []);
});

test("a preview shows what a purge hits, and only the purge makes the next read a miss", {
  skip,
}, async () => {
  await stored("3");
  const page = await openPage();
  await openView(page, "purges");
  await page.getByLabel("Tag 1").fill("Product:3");
  await button(page, "Preview").click();
  await page.getByText(/This would make \d+ (entry|entries) invalid/).waitFor();
  const { entries } = (await world.admin("purge", { body: { tags: ["Product:3"], preview: true } })).json;
  assert.equal(await page.locator(".keys code").count(), entries.keys.length);
  assert.equal(await page.locator(".stacked b").textContent(), plural(entries.count));
  assert.ok(entries.is_complete && entries.keys.some((key) => key.includes("/GetProduct/")));
  shop.edition = ", changed behind the cache";
  assert.ok(await isHit("3"), "a preview purges nothing");
  await button(page, "Purge").click();
  await page.getByText(/Purge \d+ is recorded/).waitFor();
  const read = await product("3");
  assert.deepEqual([read.xCache, /changed behind the cache/.test(read.text)], ["MISS", true]);
  const first = page.getByRole("region", { name: "Recent purges: table" }).locator("tbody tr").first();
  await first.filter({ hasText: /Purge request.*ops/ }).waitFor();
  // What the Worker refuses is said, and nothing is purged.
  await page.getByLabel("Tag 1").fill("two words");
  await button(page, "Purge").click();
  assert.match(await page.getByRole("alert").textContent(), /tags\[0\]/);
  assert.deepEqual(page.faults, []);
});

test("everything is purged only after a second question", { skip }, async () => {
  await stored("3");
  const page = await openPage();
  await openView(page, "purges");
  await page.getByLabel("Everything of this service").check();
  await button(page, "Purge everything…").click();
  await button(page, "Cancel").click();
  assert.ok(await isHit("3"));
  await button(page, "Purge everything…").click();
  await page.getByRole("dialog").getByRole("button", { name: "Purge everything" }).click();
  await page.getByText(/is recorded: everything/).waitFor();
  assert.equal((await product("3")).xCache, "MISS");
  assert.deepEqual(page.faults, []);
});

test("a curl command is explained, and so is what is stored", { skip }, async () => {
  await stored("3");
  const page = await openPage();
  await openView(page, "explain");
  const before = world.origin.requests.length;
  await explainCurl(page, world.url("/graphql"));
  const decision = page.locator(".decision");
  assert.match(await decision.textContent(), /^Not cached: .* \(cookie-without-scope: sid\)\.$/);
  for (const text of ["not covered by types.product", "covered by ignore_cookies", "no scope covers"])
    await page.getByText(text).first().waitFor();
  await page.getByLabel("Headers").fill("content-type: application/json");
  await button(page, "Explain").click();
  await page.getByText(/^A hit: stored in memory/).waitFor();
  assert.equal(world.origin.requests.length, before, "nothing is sent to the origin");
  assert.deepEqual(page.faults, []);
});

test("warming shows its progress, stops where the origin fails, and goes on with the rest", {
  skip,
}, async () => {
  await world.admin("purge", { body: { all: true } });
  const page = await openPage();
  await openView(page, "warm");
  await choose(page, "A list");
  const paths = Array.from({ length: 20 }, (_, n) => `/api/products/${n + 1}`);
  const query = JSON.stringify({ query: PRODUCT, variables: { id: "3" } });
  const list = [...paths, "/api/checkout/quote", `POST /graphql ${query}`].join("\n");
  await page.getByRole("textbox", { name: "Requests", exact: true }).fill(list);
  shop.isFailing = true;
  await button(page, "Warm").click();
  await page.getByText("The origin failed several times in a row").waitFor();
  assert.match(await page.locator(".progress").textContent(), /^Stopped: \d+ of 22$/);
  shop.isFailing = false;
  await button(page, "Go on with the rest").click();
  await page.getByText(/Done: (\d+) of \1$/).waitFor();
  await button(page, "Warm").click();
  await page.getByText("Done: 22 of 22").waitFor();
  assert.match(await page.locator(".progress + p").textContent(), /1 skipped, 0 failed/);
  const row = page.getByRole("row", { name: /checkout/ });
  assert.match(await row.textContent(), /skipped.*bypass-path/);
  assert.ok(await isHit("3"), "the first visitor hits");
  assert.deepEqual(page.faults, []);
});

test("a pause is on every view, sends every request to the origin, and ends with a click", {
  skip,
}, async () => {
  await stored("3");
  const page = await openPage();
  await openView(page, "configuration");
  await page.getByLabel("How long").selectOption("for an hour");
  await button(page, "Pause the cache").click();
  await page.getByText("The cache is paused.").waitFor();
  assert.match(await page.locator(".message.warn").first().textContent(), /for another (1\sh|59\smin)/);
  await world.until(async () => (await product("3")).xCache === "BYPASS", "requests pass through");
  await openView(page, "overview");
  await button(page, "Resume").click();
  await page.getByText("The cache is paused.").waitFor({ state: "detached" });
  await world.until(() => isHit("3"), "the cache answers again");
  assert.deepEqual(page.faults, []);
});

test("an entry is found, read and purged", { skip }, async () => {
  await stored("3");
  const page = await openPage();
  await openView(page, "entries");
  await page.getByLabel("Pattern").fill("gql/product/GetProduct/**");
  await button(page, "List").click();
  await settled(page);
  assert.equal(await page.getByRole("button", { name: /^\/api\/products/ }).count(), 0);
  await page.getByText(/^\d+ entr(y|ies)\.$/).waitFor();
  const valid = page.locator("tbody tr", { hasText: /GetProduct.*valid/ });
  const before = await valid.count();
  const entry = page.getByRole("row", { name: /GetProduct.*valid/ }).first();
  await entry.getByRole("button").click();
  await button(page, "Show the body").click();
  assert.match(await page.locator("pre.body").textContent(), /"product": \{/);
  const dialog = page.getByRole("dialog");
  await dialog.locator(".state", { hasText: "valid" }).waitFor();
  const key = await dialog.locator("code.block").textContent();
  const sent = page.waitForRequest(/\/purge$/);
  await button(page, "Purge this entry").click();
  assert.deepEqual((await sent).postDataJSON(), { keys: [key] });
  await page.getByText(/Purge \d+ is recorded/).waitFor();
  await dialog.locator(".state", { hasText: "purged" }).waitFor();
  await button(page, "Close").click();
  assert.equal(await valid.count(), before - 1);
  assert.deepEqual(page.faults, []);
});

test("axe finds nothing in any view with the day's data, in light and dark", { skip }, async () => {
  const page = await openPage({ forAxe: true });
  const found = {};
  for (const view of VIEWS) {
    await openView(page, view);
    await FILLED[view](page);
    found[view] = await axe(page);
    // Nothing but the colours is different.
    await page.emulateMedia({ colorScheme: "dark" });
    found[view].push(...(await axe(page, ["color-contrast"])));
    await page.emulateMedia({ colorScheme: "light" });
  }
  assert.deepEqual(found, Object.fromEntries(VIEWS.map((view) => [view, []])));
});

test("each view keeps the policy and fits 360 pixels, with the day's data", { skip }, async () => {
  const page = await openPage({ width: 360, height: 740 });
  for (const view of VIEWS) {
    await openView(page, view);
    await FILLED[view](page);
    assert.equal(await overflow(page), 0, view);
  }
  assert.deepEqual(page.faults, []);
});

test("the audit has the changes by token, page by page", { skip }, async () => {
  const purge = () => world.admin("purge", { body: { tags: ["Nothing"] }, token: CI });
  await Promise.all(Array.from({ length: 105 }, purge));
  const page = await openPage();
  await openView(page, "audit");
  const rows = page.locator("tbody tr");
  await page.getByText("100 changes so far.").waitFor();
  assert.match(await rows.first().textContent(), /cipurgePOST purge/);
  await button(page, "Load more").click();
  await world.until(async () => (await rows.count()) > 105, "there are more");
  await page.getByRole("cell", { name: "POST pause" }).waitFor();
  assert.deepEqual(page.faults, []);
});

test("a token whose role is too low is told so, before and after", { skip }, async () => {
  await stored("3");
  const page = await openPage({ token: READER });
  await openView(page, "purges");
  await page.getByText("Purging needs the role purge.").waitFor();
  await page.getByLabel("Tag 1").fill("Product:3");
  await button(page, "Purge").click();
  assert.match(await page.getByRole("alert").textContent(), /use a token with the role purge/);
  assert.ok(await isHit("3"));
  await openView(page, "entries");
  await page
    .getByRole("button", { name: /GetProduct/ })
    .first()
    .click();
  await page.getByText("A token with the role admin shows the body too.").waitFor();
  assert.equal(await button(page, "Show the body").count(), 0);
  assert.deepEqual(page.faults, []);
});
