// What must not mislead an operator: late answers, failures half way, keys that are pressed twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, openView, signIn, skip, until } from "./lib/browser.mjs";
import { button, gone, open, purgeAnswer } from "./lib/open.mjs";
import { gate, HEALTHY, refuses, TOKEN } from "./lib/shapes.mjs";

/** Moves the tab's clock, and so everything that updates itself. */
const skipTime = (page, seconds) =>
  page.evaluate((ms) => {
    const now = Date.now;
    Date.now = () => now.call(Date) + ms;
    document.dispatchEvent(new Event("visibilitychange"));
  }, seconds * 1000);

test("what is shown below the form of a purge is about the purge in the form", { skip }, async () => {
  const { page, shapes, sent } = await open({ "POST purge": purgeAnswer });
  const preview = page.getByText("This would make");
  const all = page.getByLabel("Everything of this service");
  await openView(page, "purges?tags=Product:1&tags=Product:2");
  for (const change of [
    () => page.getByLabel("Soft").check(),
    () => page.getByLabel("Soft").uncheck(),
    () => all.check(),
    () => all.uncheck(),
    () => page.getByRole("textbox", { name: "Tag 2" }).fill("Product:3"),
    () => page.getByLabel("Kind 2").selectOption("Path"),
    () => button(page, "Remove path 2").click(),
  ]) {
    await button(page, "Preview").click();
    await preview.waitFor();
    await change();
    await gone(preview);
  }
  await button(page, "Purge").click();
  await page.getByText("is recorded: 1 tag.").waitFor();
  await all.check();
  await gone(page.getByText("is recorded"));
  await button(page, "Preview").click();
  await page.getByText("(everything)").waitFor();
  await all.uncheck();
  // A purge that failed cannot come back as another one.
  shapes.answers["POST purge"] = refuses(503, "the purge log did not take it");
  await button(page, "Purge").click();
  await page.getByText("the purge log did not take it").waitFor();
  await all.check();
  await gone(button(page, "Try again"));
  await all.uncheck();
  await button(page, "Purge").click();
  await button(page, "Try again").click();
  await until(() => sent("POST", "purge").filter(({ body }) => !body.preview).length === 4, "it is sent");
  const bodies = sent("POST", "purge").map(({ body }) => body);
  assert.deepEqual(
    bodies.slice(0, 4).map(({ soft, all = false }) => [soft, all]),
    [
      [false, false],
      [true, false],
      [false, false],
      [false, true],
    ],
  );
  assert.ok(bodies.every((body) => body.preview || (!body.all && body.tags[0] === "Product:1")));
  assert.deepEqual(page.faults, []);
});

test("a purge is sent once, and what became of it is said whatever is typed meanwhile", {
  skip,
}, async () => {
  const { page, shapes, sent } = await open({ "POST purge": refuses(503, "the log is full") });
  const held = gate();
  shapes.wait = ({ route }) => (route === "purge" ? held : undefined);
  await openView(page, "purges");
  const tag = page.getByLabel("Tag 1");
  await tag.fill("Product:1");
  // The first press, and repetitions of the key that is held down.
  for (let press = 0; press < 5; press += 1) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  await until(() => sent("POST", "purge").length === 1, "the purge is sent");
  await page.keyboard.press("Enter");
  await page.getByLabel("Everything of this service").check();
  await page.getByLabel("Everything of this service").uncheck();
  await tag.fill("Product:2");
  await page.keyboard.press("Enter");
  held.open();
  await page.getByText("the log is full").waitFor();
  assert.deepEqual(
    sent("POST", "purge").map(({ body }) => body.tags),
    [["Product:1"]],
  );
  // Meanwhile the form has become another purge. What is tried again is what failed.
  shapes.answers["POST purge"] = purgeAnswer;
  await button(page, "Try again").click();
  await page.getByText("is recorded: 1 tag.").waitFor();
  assert.deepEqual(sent("POST", "purge").at(-1).body.tags, ["Product:1"]);
  await tag.fill("Product:3");
  for (let press = 0; press < 5; press += 1) {
    await page.keyboard.down("Enter");
    await page.getByText("is recorded").waitFor();
  }
  assert.equal(sent("POST", "purge").length, 3, "a key that is held down purges once");
});

test("whoever presses Enter again signs in with the token that is there now", { skip }, async () => {
  const { page, shapes } = await open({}, { isSignedOut: true });
  const held = gate();
  shapes.wait = ({ token, route }) => (token === "guess" && route === "stats" ? held : undefined);
  const field = page.getByLabel("Admin token");
  await field.fill("guess");
  await page.keyboard.press("Enter");
  await until(() => shapes.requests.some(({ token }) => token === "guess"), "the guess is sent");
  await field.fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  held.open();
  await button(page, "Sign out").click();
  await field.waitFor();
  // What the guess was sent with is not kept.
  await until(() => shapes.requests.at(-1).token === undefined, "the health is asked for without a token");
});

test("an explanation leaves whoever types the next request where they are", { skip }, async () => {
  const { page, shapes, sent } = await open({ "POST explain": { decision: "write" } });
  const held = [gate(), gate()];
  shapes.wait = ({ route }) => (route === "explain" ? held[sent("POST", "explain").length - 1] : undefined);
  const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);
  await openView(page, "explain");
  const url = page.getByLabel("URL");
  await url.fill("/first");
  await page.keyboard.press("Enter");
  await until(() => sent("POST", "explain").length === 1, "it is asked for");
  await url.fill("/second");
  held[0].open();
  await page.getByText("A write:").waitFor();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  assert.ok(await isFocused(url));
  await page.keyboard.press("Enter");
  held[1].open();
  // And now reading goes on at the explanation.
  await until(() => isFocused(page.getByRole("region", { name: "Explanation" })), "the focus moves");
  assert.deepEqual(
    sent("POST", "explain").map(({ body }) => body.url),
    ["/first", "/second"],
  );
});

test("a late answer to a session that has ended does not end the next", { skip }, async () => {
  const { page, shapes, sent } = await open({ "POST purge": refuses(401, "send a token") });
  const held = gate();
  shapes.wait = ({ route }) => (route === "purge" ? held : undefined);
  await openView(page, "purges");
  await page.getByLabel("Tag 1").fill("Product:1");
  await button(page, "Purge").click();
  await until(() => sent("POST", "purge").length === 1, "the purge is sent");
  await button(page, "Sign out").click();
  shapes.answers["GET health"] = (_parameters, _body, isIn) => ({
    ...HEALTHY,
    ...(isIn ? { deployment: { caller: { name: "second", role: "admin" } } } : {}),
  });
  shapes.tokens = ["another"];
  await signIn(page, "another");
  await page.getByText("second").waitFor();
  held.open();
  await until(() => sent("POST", "purge")[0].isOver, "the purge is answered");
  await openView(page, "audit");
  assert.deepEqual(page.faults, []);
});

test("an answer that is given up in the middle is no failure", { skip }, async () => {
  const { page, shapes, sent } = await open();
  const held = gate();
  shapes.waitForBody = ({ parameters }) => (parameters.get("window") === "900" ? held : undefined);
  shapes.wait = ({ parameters }) => (parameters.get("window") === "86400" ? held : undefined);
  const radio = (name) => page.getByRole("radio", { name, exact: true });
  const of = (window) => sent("GET", "stats").find(({ parameters }) => parameters.get("window") === window);
  await radio("15 min").check();
  await until(() => of("900"), "15 minutes are asked for");
  await radio("24 h").check();
  await until(() => of("86400") && of("900").isOver, "24 hours are asked for instead");
  await page.locator('main [aria-busy="true"]').waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  held.open();
  await gone(page.locator('main [aria-busy="true"]'));
  // Warming that is stopped in the middle of an answer has stopped, and has not failed.
  const other = gate();
  shapes.waitForBody = () => other;
  await openView(page, "warm");
  await button(page, "Warm").click();
  await until(() => sent("POST", "warm").length === 1, "it is asked for");
  await button(page, "Stop").click();
  await page.getByText("Stopped: 0 of 50").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  other.open();
});

test("a slow answer is waited for, however often the view would update itself", { skip }, async () => {
  const { page, shapes, sent } = await open();
  const asked = () => sent("GET", "stats").filter(({ parameters }) => parameters.get("window") === "900");
  const held = gate();
  shapes.wait = ({ parameters }) => (parameters.get("window") === "900" ? held : undefined);
  await page.getByRole("radio", { name: "15 min" }).check();
  await until(() => asked().length === 1, "15 minutes are asked for");
  const healths = sent("GET", "health").length;
  await skipTime(page, 61);
  await until(() => sent("GET", "health").length > healths, "the page updates itself");
  assert.equal(asked().length, 1);
  held.open();
  await gone(page.locator('main [aria-busy="true"]'));
  await skipTime(page, 61);
  await until(() => asked().length === 2, "it is asked for again");
});

test("updates that are paused stay so until they are wanted again", { skip }, async () => {
  const { page, sent } = await open({ "POST purge": purgeAnswer });
  await openView(page, "purges");
  await button(page, "Pause updates").click();
  await button(page, "Updates paused").waitFor();
  const before = sent("GET", "stats").length;
  await skipTime(page, 61);
  await page.getByLabel("Tag 1").fill("Product:1");
  await button(page, "Preview").click();
  await page.getByText("This would make").waitFor();
  assert.equal(sent("GET", "stats").length, before);
  await button(page, "Updates paused").click();
  await until(async () => {
    await skipTime(page, 61);
    return sent("GET", "stats").length > before;
  }, "it is asked again");
});

test("a redirect is where a session of Cloudflare Access has ended", { skip }, async () => {
  const { page } = await open({ "GET entries": refuses(302, "", { location: "/elsewhere" }) });
  await openView(page, "entries");
  await page.getByText("a session of Cloudflare Access has ended").waitFor();
  assert.deepEqual(page.faults, []);
});

test("warming that fails half way has stopped there", { skip }, async () => {
  let calls = 0;
  const shapes = { "POST warm": (_parameters, body) => warmed(body) };
  function warmed({ requests }) {
    calls += 1;
    if (calls > 1) return refuses(503, "the isolate is busy")();
    const results = requests.slice(0, 8).map(({ url }) => ({ url, outcome: "warmed", ms: 1 }));
    return { warmed: 8, results, remaining: { requests: requests.slice(8) } };
  }
  const { page } = await open(shapes);
  await openView(page, "warm");
  await choose(page, "A list");
  const list = page.getByRole("textbox", { name: "Requests" });
  await list.fill(Array.from({ length: 20 }, (_, n) => `/x/${n}`).join("\n"));
  await button(page, "Warm").click();
  await page.getByText("the isolate is busy").waitFor();
  await page.getByText("Stopped: 8 of 20").waitFor();
  // What a list says besides requests is not set aside in silence.
  await list.fill('{"requests":["/x"],"budget":{"requests":1}}');
  await button(page, "Warm").click();
  await page.getByText("Take “budget” out of the list").waitFor();
  assert.equal(calls, 2);
});

test("an entry that has expired meanwhile is not there any more", { skip }, async () => {
  const { page, shapes } = await open();
  await openView(page, "entries");
  shapes.answers["GET entries"] = refuses(404, "neither KV nor the memory of this isolate has such an entry");
  await page
    .getByRole("button", { name: /GetProduct/ })
    .first()
    .click();
  await page.getByText("It is not there any more: neither KV").waitFor();
});

test("the audit says whether it shows all, however many there are later", { skip }, async () => {
  const change = (id) => ({
    id,
    at: id * 1000,
    token: "ops",
    role: "admin",
    route: "POST purge",
    status: 200,
  });
  let newest = 40;
  const audit = (parameters) => {
    const before = Number(parameters.get("before") ?? newest + 1);
    const ids = Array.from({ length: Math.min(100, before - 1) }, (_, n) => before - 1 - n);
    return { changes: ids.map(change) };
  };
  const { page } = await open({ "GET audit": audit });
  await openView(page, "audit");
  await page.getByText("40 changes.").waitFor();
  newest = 250;
  await skipTime(page, 61);
  await page.getByText("100 changes so far.").waitFor();
  await button(page, "Load more").click();
  await page.getByText("200 changes so far.").waitFor();
  newest = 251;
  await skipTime(page, 61);
  await page.getByText("201 changes so far.").waitFor();
  // So many at once that some are missing between those and the ones before.
  newest = 500;
  await skipTime(page, 61);
  await page.getByText("100 changes so far.").waitFor();
  for (let more = 0; more < 5; more += 1) await button(page, "Load more").click();
  await page.getByText("500 changes.").waitFor();
});

test("an address opens a view with what it says, and nothing else", { skip }, async () => {
  const { page, sent } = await open();
  await openView(page, "purges?constructor=1&toString=2&paths=/a?b=1");
  assert.equal(await page.getByLabel("Path 1").inputValue(), "/a?b=1");
  for (const pattern of ["gql/**", "rest/**"]) {
    await openView(page, `entries?pattern=${pattern}`);
    await until(() => sent("GET", "entries").at(-1).parameters.get("pattern") === pattern, pattern);
    assert.equal(await page.getByLabel("Pattern").inputValue(), pattern);
  }
  await page.evaluate(() => {
    location.hash = "#/nonsense/<b>?";
  });
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  assert.deepEqual(page.faults, []);
});
