// Builds the operator's page, whose sources are in page/, as text modules next to the Worker: page.html.txt,
// page.js.txt and page.css.txt. The Worker imports them (src/worker/js/page.js).

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { bin, root, run } from "../../tools/processes.mjs";

const sources = join(root, "page/src");

/** The files of the page in the build's folder. */
export const PAGE_FILES = ["page.html.txt", "page.js.txt", "page.css.txt"];

const LICENSES =
  "/*! With Preact (MIT, copyright Jason Miller) and uPlot (MIT, copyright Leon Sorokin); their licenses are in the npm packages preact and uplot */";

/** Builds the page into a folder. */
export async function buildPage(folder) {
  mkdirSync(folder, { recursive: true });
  const common = [
    "--bundle",
    "--minify",
    "--target=es2022,chrome110,firefox110,safari16",
    "--log-level=warning",
  ];
  await run(bin("esbuild"), [
    join(sources, "main.jsx"),
    ...common,
    "--format=esm",
    "--jsx=automatic",
    "--jsx-import-source=preact",
    // Characters beyond ASCII as they are: the page is served as UTF-8.
    "--charset=utf8",
    "--legal-comments=none",
    `--banner:js=${LICENSES}`,
    `--outfile=${join(folder, "page.js.txt")}`,
  ]);
  await run(bin("esbuild"), [
    join(sources, "page.css"),
    ...common,
    `--outfile=${join(folder, "page.css.txt")}`,
  ]);
  copyFileSync(join(sources, "page.html"), join(folder, "page.html.txt"));
}
