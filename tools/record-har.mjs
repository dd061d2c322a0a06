// node tools/record-har.mjs chromium|firefox FILE: a HAR file of a short visit to the demo shop, by the browser
// itself. It made tests/fixtures/har.
//
// Both browsers must be installed (`chromium`, `firefox-esr`). Firefox writes the file by its own network
// monitor; Chromium is recorded by Playwright.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { startOrigin } from "./demo-shop.mjs";
import { freePort, launch } from "./processes.mjs";
import { Advice, main } from "./script.mjs";

const PRODUCT = "query Product($id: ID!) { product(id: $id) { __typename id name price } }";
const PRODUCTS = "query Products { products(first: 3) { __typename id name price } }";
const UPDATE =
  "mutation Update($id: ID!, $price: Float) { ProductUpdate(id: $id, price: $price) { product { __typename id price } } }";

/** A transparent image of one pixel. */
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/** What a visitor does: reads, a write, the same reads, and what no cache can use. */
const PAGE = `<!doctype html><title>visit</title><link rel="icon" href="data:,"><script type="module">
const ask = (operationName, query, variables) => fetch("/graphql", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ operationName, query, variables }),
}).then((response) => response.json());
const pause = () => new Promise((resolve) => setTimeout(resolve, 60));
const read = async () => {
  await ask("Products", ${JSON.stringify(PRODUCTS)});
  await ask("Product", ${JSON.stringify(PRODUCT)}, { id: "3" });
  await fetch("/api/products/3", { cache: "no-store" }).then((response) => response.json());
  await pause();
};
await read();
await read();
await ask("Update", ${JSON.stringify(UPDATE)}, { id: "3", price: 9.5 });
await read();
await read();
await fetch("/api/products/3", { method: "PUT", body: JSON.stringify({ price: 8 }), headers: { "content-type": "application/json" } }).then((response) => response.json());
await read();
await fetch("/pixel.png").then((response) => response.arrayBuffer());
await fetch("data:text/plain,hello").then((response) => response.text());
await fetch("http://127.0.0.1:1/closed").catch(() => {});
await new Promise((resolve) => { const socket = new WebSocket("ws://" + location.host + "/socket"); socket.onerror = resolve; });
await pause();
document.title = "done";
await fetch("/done", { method: "POST" });
</script>`;

async function startSite(shop) {
  const port = await freePort();
  let finished;
  const isDone = new Promise((resolve) => {
    finished = resolve;
  });
  const server = createServer(async (request, response) => {
    // The network monitor needs a moment to open before the visit begins.
    if (request.url === "/wait")
      return response
        .writeHead(200, { "content-type": "text/html" })
        .end("<!doctype html><script>setTimeout(() => { location = '/' }, 8000)</script>");
    if (request.url === "/") return response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
    if (request.url === "/pixel.png") {
      const headers = { "content-type": "image/png", "cache-control": "max-age=600" };
      return response.writeHead(200, headers).end(Buffer.from(PIXEL, "base64"));
    }
    if (request.url === "/done") {
      finished();
      return response.writeHead(204).end();
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    const { method, headers } = request;
    const type = headers["content-type"];
    const asked = await fetch(shop.url + request.url, {
      method,
      body,
      headers: type ? { "content-type": type } : {},
    });
    const { status } = asked;
    response.writeHead(status, { "content-type": asked.headers.get("content-type") ?? "text/plain" });
    response.end(Buffer.from(await asked.arrayBuffer()));
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}/`,
    isDone,
    stop: () => server.closeAllConnections() ?? server.close(),
  };
}

async function recordChromium(site, file) {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const context = await browser.newContext({ recordHar: { path: file, content: "embed" } });
  const page = await context.newPage();
  await page.goto(site.url);
  await site.isDone;
  await page.waitForTimeout(500);
  await context.close();
  await browser.close();
}

async function recordFirefox(site, file) {
  const profile = mkdtempSync(join(tmpdir(), "record-har-"));
  const prefs = {
    "devtools.netmonitor.har.enableAutoExportToFile": true,
    "devtools.netmonitor.har.defaultLogDir": profile,
    "devtools.netmonitor.har.includeResponseBodies": true,
    "devtools.netmonitor.har.pageLoadedTimeout": 5_000,
    "devtools.netmonitor.har.forceExport": true,
    "devtools.toolbox.selectedTool": "netmonitor",
    "devtools.netmonitor.persistlog": true,
    "browser.shell.checkDefaultBrowser": false,
    "datareporting.policy.dataSubmissionEnabled": false,
    "toolkit.startup.max_resumed_crashes": -1,
  };
  const lines = Object.entries(prefs).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
  );
  writeFileSync(join(profile, "user.js"), lines.join("\n"));
  const args = ["--headless", "--no-remote", "--profile", profile, "--devtools", `${site.url}wait`];
  const { stop } = launch("firefox-esr", args, { stdio: "ignore", env: { HOME: profile } });
  try {
    for (let tries = 0; tries < 240; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const written = readdirSync(profile, { recursive: true }).find((name) => name.endsWith(".har"));
      if (written) {
        const text = readFileSync(join(profile, written), "utf8");
        // Without Firefox's indentation, which is half of the file.
        if (text.trimEnd().endsWith("}")) return writeFileSync(file, JSON.stringify(JSON.parse(text)));
      }
    }
    throw new Advice("Firefox has written no HAR file");
  } finally {
    await stop();
    rmSync(profile, { recursive: true, force: true });
  }
}

await main(async () => {
  const [browser, file] = process.argv.slice(2);
  if (!["chromium", "firefox"].includes(browser) || !file)
    throw new Advice("usage: node tools/record-har.mjs chromium|firefox FILE");
  const shop = await startOrigin();
  const site = await startSite(shop);
  try {
    await (browser === "chromium" ? recordChromium : recordFirefox)(site, file);
    console.log(`${file}: ${readFileSync(file).length} bytes`);
  } finally {
    site.stop();
    await shop.stop();
  }
});
