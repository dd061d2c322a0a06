// Hit rate and traffic over time: by result, or by the types or operations with the most traffic.

import { count, percent, wholeNumber } from "../lib/format.js";
import { columns, columnsOf, complete, namesIn, sum } from "../lib/series.js";
import { Chart } from "./chart.jsx";
import { Empty } from "./states.jsx";

const TRAFFIC = [
  ["hits", "Hits", "hit"],
  ["stale", "Stale", "stale"],
  ["revalidated", "Revalidated", "revalidated"],
  ["misses", "Misses", "miss"],
  ["bypass", "Passed through", "bypass"],
  ["errors", "Errors", "error"],
];
const DASHES = [undefined, [6, 3], [2, 3], [8, 3, 2, 3], [12, 4]];

export function Traffic({ stats, split }) {
  const points = complete(stats);
  if (stats.total_requests === 0)
    return (
      <Empty title="No requests in this window">
        Send some through the Worker, or choose a longer window.
      </Empty>
    );
  if (points.length === 0)
    return (
      <Empty title="No history yet">
        The Worker counts by the minute. The numbers above are already there.
      </Empty>
    );
  return (
    <div class="charts">
      {split === "result" ? (
        <ByResult points={points} stats={stats} />
      ) : (
        <ByName points={points} split={split} />
      )}
    </div>
  );
}

function ByResult({ points, stats }) {
  const all = columns(points);
  const used = TRAFFIC.filter(([name]) => all[name].some((value) => value > 0));
  return (
    <>
      <Chart
        title="Hit rate"
        summary={`${percent(stats.hit_rate)} over the window, ${lowAndHigh(all.rate, percent)}.`}
        at={all.at}
        series={[{ label: "Hit rate", values: all.rate, color: "accent", fill: "accent-soft" }]}
        max={1}
        format={percent}
        axisFormat={(value) => `${Math.round(value * 100)} %`}
      />
      <Chart
        title="Requests"
        summary={used.map(([name, label]) => `${label}: ${count(stats[name] ?? 0)}`).join(", ")}
        at={all.at}
        series={used.map(([name, label, color]) => ({ label, values: all[name], color }))}
        isStacked
        format={count}
        axisFormat={wholeNumber}
      />
    </>
  );
}

function ByName({ points, split }) {
  const names = namesIn(points).slice(0, 5);
  const at = points.map((point) => point.at);
  if (names.length === 0) return <Empty title={`No ${split} had traffic in this window`} />;
  const found = names.map((name) => ({ name, ...columnsOf(points, name) }));
  const series = (column) =>
    found.map(({ name, [column]: values }, index) => ({
      label: name,
      values,
      color: `series-${index + 1}`,
      dash: DASHES[index],
    }));
  return (
    <>
      <Chart
        title={`Hit rate by ${split}`}
        summary={found.map(({ name, rate }) => `${name}: ${lowAndHigh(rate, percent)}`).join("; ")}
        at={at}
        series={series("rate")}
        max={1}
        format={percent}
        axisFormat={(value) => `${Math.round(value * 100)} %`}
      />
      <Chart
        title={`Requests by ${split}`}
        summary={found.map(({ name, traffic }) => `${name}: ${count(sum(traffic))}`).join(", ")}
        at={at}
        series={series("traffic")}
        format={count}
        axisFormat={wholeNumber}
      />
    </>
  );
}

function lowAndHigh(values, format) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "nothing was looked up";
  return `from ${format(Math.min(...known))} to ${format(Math.max(...known))}`;
}
