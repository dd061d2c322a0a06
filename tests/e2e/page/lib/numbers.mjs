// Statistics of a shop that nobody has: the same for every run, and as the admin routes say them.

const BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
const TYPES = { product: 0.46, search: 0.24, catalog: 0.16, account: 0.09, content: 0.05 };
const OPERATIONS = { GetProduct: 0.34, SearchProducts: 0.24, CategoryPage: 0.18, Viewer: 0.14, Menu: 0.1 };
const REASONS = {
  mutation: 0.31,
  "cookie-without-scope": 0.27,
  "authorization-without-scope": 0.2,
  configured: 0.13,
  method: 0.06,
  subscription: 0.03,
};
const round = Math.round;

/** A wave with noise that is the same every time. */
function wave(index, seed) {
  const noise = Math.sin(index * 12.9898 + seed * 78.233) * 43_758.5453;
  return 0.82 + 0.3 * Math.sin(index / 9 + seed) + 0.14 * (noise - Math.floor(noise));
}

function pointsOf(window, until) {
  const number = Math.min(120, window / 60);
  const step = (window * 1000) / number;
  const scale = (step / 60_000) ** 0.9;
  return Array.from({ length: number }, (_, index) => {
    const at = until - (number - index) * step;
    const requests = 420 * scale * wave(index, 1);
    // A purge of everything, two thirds through.
    const since = index - round(number * 0.62);
    const rate = since >= 0 && since < 9 ? 0.35 + since * 0.062 : 0.91 + 0.025 * Math.sin(index / 5);
    const looked = requests * 0.86;
    const hits = round(looked * rate * 0.96);
    const [stale, revalidated] = [round(looked * rate * 0.03), round(looked * rate * 0.01)];
    const misses = round(looked * (1 - rate));
    const [bypass, errors] = [
      round(requests * 0.135),
      round(requests * 0.003 * (index % 11 === 3 ? 3 : 0.4)),
    ];
    const cached_ms = round((hits + stale) * (3.1 + wave(index, 2)));
    const uncached_ms = round((revalidated + misses + bypass + errors) * (178 + 40 * wave(index, 3)));
    return { at, hits, stale, revalidated, misses, bypass, errors, cached_ms, uncached_ms };
  });
}

const RESULTS = ["hits", "stale", "revalidated", "misses", "bypass", "errors"];

/** What `GET stats` says, for a window in seconds and `by`. */
export function statistics(window = 3_600, by = null, until = Date.now()) {
  const series = pointsOf(window, until);
  const total = (name) => series.reduce((sum, point) => sum + point[name], 0);
  const sums = Object.fromEntries(RESULTS.map((name) => [name, total(name)]));
  const requests = RESULTS.reduce((sum, name) => sum + sums[name], 0);
  const found = sums.hits + sums.stale;
  const others = requests - found;
  if (by === "type" || by === "operation")
    for (const [index, point] of series.entries()) point.by = splitOf(point, by, index);
  return {
    counted_by: "service",
    window,
    since: until - window * 1000,
    until,
    ...sums,
    total_requests: requests,
    hit_rate: found / (found + sums.misses),
    avg_response_time_cached_ms: total("cached_ms") / found,
    avg_response_time_uncached_ms: total("uncached_ms") / others,
    origin_ms_saved: found * 190,
    by_tier: tiersOf(sums.hits),
    bytes: { cached: found * 9_400, uncached: others * 11_200 },
    latency: latencyOf(found, others),
    bypass_reasons: split(sums.bypass, REASONS),
    purges: 214,
    purges_by_source: { mutation: 187, admin: 9, rest: 17, "perhaps-mutation": 1 },
    purges_of_everything: { total: 2, by_source: { admin: 1, mutation: 1 }, by_field: { importCatalog: 1 } },
    entries: { count: 18_342, bytes: 171_204_560 },
    is_available: true,
    by_type: {},
    rows: by ? rowsOf(sums, by) : undefined,
    series,
    recent_purges: purges(until),
    breakers: { kv: "closed", edge_cache: "closed", purge_log: "closed" },
    limits: {},
  };
}

const split = (number, shares) =>
  Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, round(number * share)]));

const tiersOf = (hits) => ({ memory: round(hits * 0.58), edge: round(hits * 0.29), kv: round(hits * 0.13) });

const latencyOf = (found, others) => ({
  bounds_ms: BOUNDS,
  cached: histogram(found, [4, 22, 41, 19, 8, 4, 1.5, 0.4, 0.1]),
  uncached: histogram(others, [0, 0, 0, 1, 3, 14, 31, 29, 16, 4, 1.5, 0.4, 0.1]),
});

function histogram(number, shares) {
  const all = shares.reduce((sum, share) => sum + share, 0);
  return Array.from({ length: BOUNDS.length + 1 }, (_, index) =>
    round((number * (shares[index] ?? 0)) / all),
  );
}

function splitOf({ hits, misses }, by, index) {
  const shares = by === "type" ? TYPES : OPERATIONS;
  const names = Object.keys(shares);
  return Object.fromEntries(
    names.map((name, place) => {
      const traffic = (hits + misses) * shares[name] * wave(index, place + 4);
      const missed = Math.min(traffic, misses * shares[name] * (0.6 + place * 0.5));
      return [name, { hits: round(traffic - missed), misses: round(missed) }];
    }),
  );
}

const PATHS = { "/graphql": 0.81, "/api/products": 0.09, "/api/categories": 0.06, "/api/stores/near": 0.04 };

function rowsOf(sums, by) {
  const shares = { type: TYPES, operation: OPERATIONS, path: PATHS, reason: REASONS }[by];
  return Object.entries(shares).map(([name, share], place) => {
    const isReason = by === "reason";
    const part = (key, factor = 1) => (isReason && key !== "bypass" ? 0 : round(sums[key] * share * factor));
    const row = { name, hits: part("hits"), stale: part("stale"), revalidated: part("revalidated") };
    Object.assign(row, {
      misses: part("misses", 0.6 + place * 0.5),
      bypass: part("bypass"),
      errors: part("errors"),
    });
    const requests = RESULTS.reduce((sum, key) => sum + row[key], 0);
    const found = row.hits + row.stale;
    return {
      ...row,
      total_requests: requests,
      hit_rate: found + row.misses > 0 ? found / (found + row.misses) : 0,
      bytes: requests * (4_000 + place * 3_700),
      avg_cached_ms: isReason ? null : 3.1 + place * 0.7,
      avg_uncached_ms: 140 + place * 55,
      origin_ms_saved: found * 190,
      by_tier: tiersOf(row.hits),
      latency: latencyOf(found, requests - found),
    };
  });
}

const CAUSES = [
  ["mutation", "updateStock", 3, 0],
  ["mutation", "addReview", 4, 0],
  ["rest", "/api/products/42", 6, 0],
  ["admin", "ci", 0, 2],
  ["mutation", "updatePrice", 3, 0],
  ["mutation", "importCatalog", 0, 0],
  ["mutation", "createProduct", 5, 0],
  ["cookie", null, 1, 0],
];

function purges(until) {
  return CAUSES.map(([source, cause, tags, patterns], index) => ({
    at: until - (index * index * 47 + 12) * 1000,
    source,
    seq: 4_812 - index,
    tags,
    patterns,
    all: tags + patterns === 0,
    soft: source === "admin",
    cause,
  }));
}
