// Statistics of a list of numbers.

/** The median. */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that so many percent of the values do not exceed (nearest rank). */
export function percentile(values, percent) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

/** The median, with the least and the greatest. */
export function spread(values) {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}
