// Quantiles of a histogram of response times.

/**
 * The time that a share of the responses did not exceed, interpolated within its bucket. `counts` has one
 * number more than `bounds`: those above the last bound. `isAbove`: it is there, so only a least is known.
 */
export function quantile(bounds, counts, share) {
  const total = counts?.reduce((sum, number) => sum + number, 0) ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  let before = 0;
  for (const [index, number] of counts.entries()) {
    if (number > 0 && before + number >= rank) {
      if (index >= bounds.length) return { value: bounds.at(-1), isAbove: true };
      const low = index === 0 ? 0 : bounds[index - 1];
      return { value: low + (bounds[index] - low) * ((rank - before) / number), isAbove: false };
    }
    before += number;
  }
  return null;
}
