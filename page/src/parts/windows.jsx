// The window of time that statistics are for, and who counted them.

import { duration } from "../lib/format.js";
import { Choice } from "./controls.jsx";

export const WINDOWS = [
  [900, "15 min"],
  [3_600, "1 h"],
  [86_400, "24 h"],
  [2_592_000, "30 d"],
];

export function WindowChoice({ value, onChange }) {
  return <Choice legend="Window" name="window" value={value} options={WINDOWS} onChange={onChange} />;
}

/** Numbers of one isolate are a sample, and must not look like the whole. */
export function windowNote({ counted_by: who, since, until, fault }) {
  if (who === "service") return "All isolates of the service, up to a few minutes late.";
  const span = since && until ? ` It has counted for ${duration((until - since) / 1000)}.` : "";
  const why = fault ? `the statistics object does not answer (${fault})` : "no statistics object is bound";
  return `One isolate only: ${why}, so other isolates' requests are missing.${span}`;
}
