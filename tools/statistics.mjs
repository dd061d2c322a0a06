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

/** The median, with the quartiles. */
export function spread(values) {
  return { median: median(values), low: percentile(values, 25), high: percentile(values, 75) };
}

/** Random numbers from 0 to 1, always the same ones for a seed. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The low bits of such a generator repeat.
    return (state >>> 8) / 2 ** 24;
  };
}

/** Numbers from 0 below `count`, of which the n'th comes 1/n times as often as the first (Zipf's law). */
export function zipf(count, next) {
  const sums = [];
  let sum = 0;
  for (let n = 1; n <= count; n += 1) {
    sum += 1 / n;
    sums.push(sum);
  }
  return () => {
    const wanted = next() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
