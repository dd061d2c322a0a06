// Cargo's profiles for the Worker: `release` to deploy and to measure, `quick` to try and to test.

export const PROFILES = ["release", "quick"];

/**
 * The profile for wrangler's `[build]` command and for `npm run build`. wrangler names its own command:
 * everything but `wrangler dev` may deploy.
 */
export function profileFor({ EVERGRAPH_PROFILE, WRANGLER_COMMAND }) {
  return EVERGRAPH_PROFILE ?? (WRANGLER_COMMAND === "dev" ? "quick" : "release");
}

/** What is written next to a build: its profile, and the digest of its sources. */
export const markerOf = (profile, sources) => `${profile} ${sources}`;

/**
 * Whether what was written next to the last build makes another one unnecessary. A `release` build will do
 * where `quick` is enough; it is never the other way round.
 */
export function isEnough(last, profile, sources) {
  return [markerOf("release", sources), markerOf(profile, sources)].includes(last);
}
