// Response times from the cache and from the origin: over time, as quantiles, and as histograms.

import { count, millis } from "../lib/format.js";
import { quantile } from "../lib/quantile.js";
import { columns, complete, sum } from "../lib/series.js";
import { Chart } from "./chart.jsx";
import { Panel } from "./states.jsx";

/** Response times from the cache and from the origin, side by side. */
export function Latency({ stats }) {
  const { bounds_ms: bounds = [], cached, uncached } = stats.latency ?? {};
  const points = complete(stats);
  const all = columns(points);
  // A mean of nothing is no time.
  const mean = (name) =>
    sum(stats.latency?.[name] ?? [1]) > 0 ? stats[`avg_response_time_${name}_ms`] : null;
  const rows = [
    ["From the cache", cached, mean("cached"), "hit"],
    ["From the origin", uncached, mean("uncached"), "miss"],
  ];
  const time = (counts, part) => {
    const found = counts && quantile(bounds, counts, part);
    return found ? `${found.isAbove ? "over " : ""}${millis(found.value)}` : "–";
  };
  const highest = Math.max(
    ...[cached, uncached].map((counts) => (counts ? Math.max(...counts) / (sum(counts) || 1) : 0)),
  );
  return (
    <Panel title="Response times">
      {points.length > 1 && (
        <Chart
          title="Mean over time"
          summary={`${rows.map(([name, , time]) => `${name} ${millis(time)}`).join(", ")}.`}
          at={all.at}
          series={[
            { label: "From the cache", values: all.cached, color: "accent" },
            { label: "From the origin", values: all.uncached, color: "miss", dash: [6, 3] },
          ]}
          format={millis}
        />
      )}
      <table class="small">
        <thead>
          <tr>
            <td />
            <th scope="col" class="right">
              p50
            </th>
            <th scope="col" class="right">
              p95
            </th>
            <th scope="col" class="right">
              mean
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, counts, mean]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="right">{time(counts, 0.5)}</td>
              <td class="right">{time(counts, 0.95)}</td>
              <td class="right">{millis(mean)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">Of 100 responses, 50 were not slower than p50, and 95 not slower than p95.</p>
      {cached && uncached && sum(cached) + sum(uncached) > 0 && (
        <div class="histograms">
          {rows.map(([name, counts, , color]) => (
            <Histogram
              key={name}
              name={name}
              bounds={bounds}
              counts={counts}
              color={color}
              highest={highest}
            />
          ))}
          <p class="histogram-axis" aria-hidden="true">
            <span>fast</span>
            <span>{bounds.length > 0 && `up to ${millis(bounds[Math.floor(bounds.length / 2)])}`}</span>
            <span>over {millis(bounds.at(-1))}</span>
          </p>
        </div>
      )}
    </Panel>
  );
}

function Histogram({ name, bounds, counts, color, highest }) {
  const total = sum(counts);
  const width = 100 / counts.length;
  const bucket = (index) =>
    index < bounds.length ? `at most ${millis(bounds[index])}` : `over ${millis(bounds.at(-1))}`;
  return (
    <svg class="histogram" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" data-color={color}>
      <title>{`${name}: ${
        counts
          .map((number, index) => (number ? `${count(number)} ${bucket(index)}` : null))
          .filter(Boolean)
          .join(", ") || "no responses"
      }`}</title>
      {counts.map((number, index) => {
        const height = total === 0 ? 0 : Math.max(number > 0 ? 0.6 : 0, (24 * number) / total / highest);
        return (
          <rect
            key={bucket(index)}
            x={index * width + width * 0.08}
            width={width * 0.84}
            y={24 - height}
            height={height}
          />
        );
      })}
    </svg>
  );
}
