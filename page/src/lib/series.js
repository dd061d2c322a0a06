// The points of `GET stats` as columns for charts.

export const RESULTS = ["hits", "stale", "revalidated", "misses", "bypass", "errors"];
const NUMBERS = [...RESULTS, "cached_ms", "uncached_ms"];
const MINUTE = 60_000;
/** The longest window that the Worker has by the minute, in seconds; longer ones it has by the hour. */
const BY_MINUTE = 6 * 3_600;
const MOST_POINTS = 120;
const total = (point, names) => names.reduce((all, name) => all + (point[name] ?? 0), 0);

/**
 * How far points are apart. Where most were left out, none may be next to another: so it is what the Worker
 * takes for such a window, if that fits the points.
 */
function stepOf({ counted_by: who, window, since, until }, sorted) {
  const steps = sorted.slice(1).map(({ at }, index) => at - sorted[index].at);
  const least = who === "service" && !(window <= BY_MINUTE) ? 60 * MINUTE : MINUTE;
  // The minute that has just begun counts in full.
  const minutes = Math.floor(until / MINUTE) + 1 - Math.floor(since / MINUTE);
  const span = Math.ceil((minutes * MINUTE) / least);
  const expected = Math.max(1, Math.ceil(span / MOST_POINTS)) * least;
  return steps.every((size) => size % expected === 0) ? expected : Math.min(...steps);
}

/** The points of a window in order, with empty ones where the Worker has left some out. */
export function complete(stats) {
  const sorted = [...(stats.series ?? [])].sort((a, b) => a.at - b.at);
  const step = stepOf(stats, sorted);
  // A chart needs two points: before the first, there was nothing.
  const all = sorted.length === 1 ? [{ at: sorted[0].at - step }] : [];
  for (const point of sorted) {
    const last = all.at(-1);
    for (let at = last?.at + step; at < point.at - step / 2 && all.length < 2_000; at += step)
      all.push({ at });
    all.push(point);
  }
  return all;
}

/** Null where nothing was looked up: there is no rate then. */
export const hitRate = (point) => {
  const found = total(point, ["hits", "stale", "revalidated"]);
  const all = found + (point.misses ?? 0);
  return all === 0 ? null : found / all;
};

const mean = (total, number) => (number > 0 ? total / number : null);

/** Columns of a table of points: times, numbers of each result, rates and mean response times. */
export function columns(points) {
  return {
    at: points.map(({ at }) => at),
    ...Object.fromEntries(NUMBERS.map((name) => [name, points.map((point) => point[name] ?? 0)])),
    rate: points.map(hitRate),
    cached: points.map((point) => mean(point.cached_ms ?? 0, total(point, ["hits", "stale"]))),
    uncached: points.map((point) =>
      mean(point.uncached_ms ?? 0, total(point, ["revalidated", "misses", "bypass", "errors"])),
    ),
  };
}

/** The names by which points are split, most traffic first. */
export function namesIn(points) {
  const totals = new Map();
  for (const { by = {} } of points)
    for (const [name, { hits = 0, misses = 0 }] of Object.entries(by))
      totals.set(name, (totals.get(name) ?? 0) + hits + misses);
  return [...totals.entries()].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

/** Traffic and hit rate of one of the names. */
export function columnsOf(points, name) {
  const of = ({ by = {} }) => ({ hits: by[name]?.hits ?? 0, misses: by[name]?.misses ?? 0 });
  return {
    traffic: points.map((point) => of(point).hits + of(point).misses),
    rate: points.map((point) => hitRate(of(point))),
  };
}

export const sum = (values) => values.reduce((all, value) => all + value, 0);
