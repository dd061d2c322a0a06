// What will be deployed, and what will not work there.

import { summary, warnings } from "../../tools/wrangler-config.mjs";

/** Prints a summary of a checked configuration, and its warnings. */
export function showSummary({ wrangler, ...configured }) {
  const deployed = { ...configured, wrangler: wrangler.config };
  console.log(`\nThis will be deployed:\n${summary(deployed).join("\n")}`);
  for (const warning of warnings(deployed)) console.log(`\nWarning: ${warning}`);
}
