// A tab over routes that answer what a test wants.

import { after } from "node:test";
import { openBrowser, openTab, signIn, skip } from "./browser.mjs";
import { Shapes, TOKEN } from "./shapes.mjs";

const browser = skip ? null : await openBrowser();

/** A tab that is signed in, over routes with these answers. `sent`: what a route was sent so far. */
export async function open(answers = {}, options = {}) {
  const shapes = Object.assign(await new Shapes().listen(), { answers });
  after(() => shapes.close());
  const page = await openTab(browser, shapes.url, options);
  if (!options.isSignedOut) await signIn(page, TOKEN);
  const sent = (method, route) =>
    shapes.requests.filter((one) => one.method === method && one.route === route);
  return { page, shapes, sent };
}

export const button = (page, name) => page.getByRole("button", { name, exact: true });
export const gone = (locator) => locator.waitFor({ state: "detached" });

export const PREVIEW = { tags: 1, patterns: 0, entries: { count: 3, maybe: 0, keys: ["a", "b", "c"] } };
/** What `POST purge` answers. */
export const purgeAnswer = (_parameters, { preview, tags = [] }) =>
  preview ? PREVIEW : { seq: 17, tags: tags.length, patterns: 0 };
