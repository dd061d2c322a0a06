// The operator's page, which the build wrote next to the Worker. Wasm reads a file from here
// (page_assets.rs) when a browser asks for it.

import css from "./page.css.txt";
import html from "./page.html.txt";
import script from "./page.js.txt";

globalThis.evergraphPage = { "page.html": html, "page.js": script, "page.css": css };
