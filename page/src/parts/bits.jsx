// Small things that several views show.

import { may, useCaller } from "../lib/caller.js";
import { percent } from "../lib/format.js";

const STATE_CLASSES = {
  HEALTHY: "good",
  ok: "good",
  WARMING: "warn",
  loading: "warn",
  DEGRADED: "warn",
  DOWN: "bad",
  failing: "bad",
  firing: "bad",
};
const STATE_WORDS = {
  HEALTHY: "Healthy",
  WARMING: "Warming",
  DEGRADED: "Degraded",
  DOWN: "Down",
  ABSENT: "Absent",
};

/** A state as a mark and a word, so that colour is never all there is. */
export function State({ state }) {
  return <span class={`state ${STATE_CLASSES[state] ?? "none"}`}>{STATE_WORDS[state] ?? state}</span>;
}

/** Says beforehand that the role of who is signed in does not suffice. */
export function NeedsRole({ needed, to }) {
  const caller = useCaller();
  if (may(caller, needed)) return null;
  return (
    <p class="message warn">{`You are signed in with the role ${caller.role}. ${to} needs the role ${needed}.`}</p>
  );
}

/** A share as a number and a bar. */
export function Rate({ share }) {
  if (share === null || share === undefined) return <span class="muted">–</span>;
  return (
    <span class="rate">
      <span class="rate-bar" aria-hidden="true">
        <svg viewBox="0 0 100 1" preserveAspectRatio="none">
          <title>share</title>
          <rect width={Math.round(share * 100)} height="1" />
        </svg>
      </span>
      {percent(share)}
    </span>
  );
}

/** Names and what they are, as a list. Entries without a value are left out. */
export function Facts({ of, class: extra = "" }) {
  const shown = of.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl class={`facts ${extra}`}>
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Words in boxes, such as tags. */
export function Chips({ of }) {
  return (
    <ul class="chips">
      {of.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

/** A text of the Worker, in which backticks mark code. Links of the docs lose their addresses. */
export const Prose = ({ text }) =>
  text
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replaceAll(/ \(docs\/[^)]*\)/g, "")
    .split("`")
    .map((part, index) => (index % 2 === 1 ? <code key={part}>{part}</code> : part));
