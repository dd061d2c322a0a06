// A chart over time. uPlot draws it on a canvas, which screen readers do not see: so it has a summary, and
// the same numbers as a table.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock, day, moment } from "../lib/format.js";
import { useIsDark } from "../lib/hooks.js";
import { Table } from "./table.jsx";

const HEIGHT = 190;

/**
 * - `at`: times in milliseconds
 * - `series`: `{label, values, color, dash?, fill?}`; `color` is the name of a custom property
 * - `isStacked`: values are drawn on top of each other
 * - `max`: the top of the axis, if it is fixed
 * - `format`, `axisFormat`: a number as text
 */
export function Chart({ title, summary, at, series, isStacked = false, max, format, axisFormat = format }) {
  const box = useRef(null);
  const plot = useRef(null);
  const [index, setIndex] = useState(null);
  const isDark = useIsDark();
  const shape = series.map(({ label, color, dash, fill }) => `${label}${color}${dash}${fill}`).join("|");
  const data = useMemo(() => drawn(at, series, isStacked), [at, series, isStacked]);
  const latest = useRef(null);
  latest.current = { data, series, isStacked, max, axisFormat };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme or other series need a new chart
  useEffect(() => {
    const made = new uPlot(options(box.current, latest.current, setIndex), latest.current.data, box.current);
    plot.current = made;
    const observer = new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width > 0) made.setSize({ width: Math.floor(contentRect.width), height: HEIGHT });
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, isStacked, max, isDark]);

  useEffect(() => plot.current?.setData(data), [data]);

  const shown = Math.min(index ?? at.length, at.length - 1);
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-time">
          {at[shown] === undefined ? "" : `${day(at[shown])} ${clock(at[shown])}`}
        </span>
      </figcaption>
      <div ref={box} class="plot" role="img" aria-label={`${title}. ${summary}`} />
      <ul
        class="legend"
        aria-label={`${title}: ${index === null ? "latest values" : "values at the pointer"}`}
      >
        {series.map(({ label, values, color, dash }) => (
          <li key={label}>
            <span class={`swatch ${dash ? "dashed" : ""}`} data-color={color} aria-hidden="true" />
            <span class="legend-label">{label}</span> <b>{format(values[shown])}</b>
          </li>
        ))}
      </ul>
      <Numbers title={title} at={at} series={series} format={format} />
    </figure>
  );
}

function Numbers({ title, at, series, format }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details class="numbers" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Numbers as a table</summary>
      {isOpen && (
        <Table
          label={`${title}, as a table`}
          class="low"
          columns={[
            { key: "at", label: "Time", render: (row) => moment(at[row]) },
            ...series.map(({ label, values }, column) => ({
              key: String(column),
              label,
              align: "right",
              render: (row) => format(values[row]),
            })),
          ]}
          rows={[...at.keys()].reverse()}
        />
      )}
    </details>
  );
}

/**
 * The data for uPlot. Stacked series are summed from the last one up, and drawn from the highest down. A point
 * lasts until the next one, so the last one is there twice: charts side by side end at the same time.
 */
function drawn(at, series, isStacked) {
  const times = at.map((time) => time / 1000);
  const last = times.at(-1);
  const ends = [...times, 2 * last - times.at(-2)];
  if (!isStacked) return [ends, ...series.map(({ values }) => [...values, values.at(-1)])];
  const sums = [];
  let below = at.map(() => 0);
  for (const { values } of series) {
    below = below.map((sum, index) => sum + (values[index] ?? 0));
    sums.push([...below, below.at(-1)]);
  }
  return [ends, ...sums.reverse()];
}

function options(element, { series, isStacked, max, axisFormat }, setIndex) {
  const style = getComputedStyle(element);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: color("muted"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
  };
  const ordered = isStacked ? [...series].reverse() : series;
  return {
    width: Math.max(200, Math.floor(element.clientWidth)),
    height: HEIGHT,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, sync: { key: "time" }, y: false, points: { size: 6 } },
    scales: { y: { range: (_, _low, high) => [0, max ?? (high > 0 ? high * 1.08 : 1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 60,
        size: 28,
        values: (_, splits, _axis, _space, step) => splits.map((at) => tick(at * 1000, step)),
      },
      { ...axis, size: 52, space: 34, values: (_, splits) => splits.map((value) => axisFormat(value)) },
    ],
    series: [
      {},
      ...ordered.map(({ color: name, dash, fill }) => ({
        stroke: color(name),
        width: isStacked ? 1 : 1.75,
        dash,
        fill: isStacked ? color(name) : fill && color(fill),
        points: { show: false },
        spanGaps: false,
        ...(isStacked ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => setIndex(cursor.idx ?? null)] },
  };
}

function tick(at, step) {
  if (step >= 86_400) return day(at);
  const date = new Date(at);
  return date.getHours() === 0 && date.getMinutes() === 0 ? day(at) : clock(at);
}
