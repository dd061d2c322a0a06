// The answer of `POST explain` in one sentence.

import { duration } from "./format.js";

const WRITES = "A write: the origin gets it, and what it changed is purged";

/** `{tone, text}`: what happens to the request, in one sentence. */
export function decisionOf(explained) {
  const { decision, reason, entry, terms, operations } = explained;
  const why = reason ? ` (${reasonOf(reason)})` : "";
  switch (decision) {
    case "lookup":
      return entry
        ? ofEntry(entry)
        : {
            tone: "plain",
            text: `Looked up, and not found: a miss${why}. ${reason ? "" : stored(terms)}`.trim(),
          };
    case "bypass":
      return { tone: "warn", text: `Not cached: the request passes through to the origin${why}.` };
    case "write":
      return { tone: "plain", text: `${WRITES}.` };
    case "refused":
      return { tone: "bad", text: `Refused${why}: the origin does not see it.` };
    case "admin":
      return { tone: "plain", text: "An admin route of Evergraph itself: nothing is cached." };
    case "batch":
      return {
        tone: "plain",
        text: `A batch of ${operations?.length ?? 0} operations, each decided for itself.`,
      };
    case "socket":
      return { tone: "plain", text: "A WebSocket: its messages pass through, and its mutations purge." };
    default:
      return { tone: "plain", text: `Decision: ${decision}.` };
  }
}

/** The word of a reason, with the signal that it is about: `cookie-without-scope: sid`. */
export const reasonOf = ({ word, detail }) =>
  detail?.startsWith(word) ? detail : [word, detail].filter(Boolean).join(": ");

const stored = (terms) => {
  const ttl = terms?.ttl?.value;
  if (ttl === undefined || ttl === null)
    return "Whether its response is stored, the origin's headers decide.";
  return ttl === 0
    ? "Its response is not stored: the ttl is 0."
    : `Its response is stored for ${duration(ttl)}.`;
};

/** What an entry that is too old is good for. */
const AGED = {
  "stale-allowed": "a request that accepts stale responses gets it",
  "stale-while-revalidate": "it is served once more while it is fetched again",
  "stale-if-error": "it is served only if the origin fails",
  expired: "the origin is asked",
};

function ofEntry({ verdict, freshness, tier, age, ttl, purged_by: by }) {
  const where = tier ? ` in ${TIERS[tier] ?? tier}` : "";
  const cause = by ? ` by ${purgeOf(by)}` : "";
  if (verdict === "purged" || freshness === "purged")
    return { tone: "warn", text: `Stored${where}, but purged${cause}: the origin is asked.` };
  if (freshness && freshness !== "fresh") {
    const why =
      verdict === "stale"
        ? `made stale${cause}`
        : `${duration(age)} old, with a lifetime of ${duration(ttl)}`;
    return { tone: "warn", text: `Stored${where}, but ${why}: ${AGED[freshness] ?? freshness}.` };
  }
  const left = duration(Math.max(0, ttl - age));
  return { tone: "good", text: `A hit: stored${where} ${duration(age)} ago, and valid for another ${left}.` };
}

const TIERS = { memory: "memory", edge: "the edge cache", kv: "KV" };
export const purgeOf = ({ seq, by }) =>
  seq === null || seq === undefined ? `a purge (${by})` : `purge ${seq} (${by})`;
