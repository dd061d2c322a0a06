// How the cache is doing: rates, traffic, times, health.

import { useState } from "preact/hooks";
import { bytes, compact, count, percent, span } from "../lib/format.js";
import { askedFor, useResource } from "../lib/hooks.js";
import { Choice } from "../parts/controls.jsx";
import { Health } from "../parts/health.jsx";
import { Latency } from "../parts/latency.jsx";
import { Served } from "../parts/served.jsx";
import { Loaded, Panel } from "../parts/states.jsx";
import { Traffic } from "../parts/traffic.jsx";
import { windowNote } from "../parts/windows.jsx";

const SPLITS = [
  ["result", "By result"],
  ["type", "By type"],
  ["operation", "By operation"],
];

export function Overview({ window, health }) {
  const [split, setSplit] = useState("result");
  const by = split === "result" ? "" : `&by=${split}`;
  const stats = useResource(`stats?window=${window}${by}`, { every: window <= 3600 ? 15 : 60 });
  return (
    <>
      <Loaded resource={stats} rows={8}>
        {(data) => (
          <>
            <Figures stats={data} />
            <Panel
              title="Over time"
              note={windowNote(data)}
              actions={
                <Choice legend="Split by" name="split" value={split} options={SPLITS} onChange={setSplit} />
              }
            >
              <Traffic stats={data} split={askedFor(stats, "by") ?? "result"} />
            </Panel>
            <div class="columns">
              <Latency stats={data} />
              <div>
                <Served stats={data} />
                <Health health={health} />
              </div>
            </div>
          </>
        )}
      </Loaded>
      {stats.data === null && <Health health={health} />}
    </>
  );
}

/** The numbers that an operator looks at first. */
function Figures({ stats }) {
  const { hit_rate: rate, entries } = stats;
  const isLookedUp = ["hits", "stale", "revalidated", "misses"].some((name) => stats[name] > 0);
  const saved = stats.origin_ms_saved;
  const purges = stats.purges_of_everything?.total ?? 0;
  const figures = [
    ["Hit rate", percent(isLookedUp ? rate : null), "of look-ups", "lead"],
    ["Requests", compact(stats.total_requests), `${percent(share(stats.bypass, stats))} passed`],
    [
      "Errors",
      compact(stats.errors),
      `${percent(share(stats.errors, stats))} of requests`,
      stats.errors > 0.01 * stats.total_requests && "warn",
    ],
    ["Origin time saved", span(saved / 1000), "by the cache"],
    ["Purges", compact(stats.purges), purges > 0 ? `${count(purges)} of everything` : "none of everything"],
    [
      "In KV",
      entries ? compact(entries.count) : "–",
      entries ? `entries, ${bytes(entries.bytes)}` : "entries are not counted",
    ],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value, note, extra]) => (
        <div key={name} class={extra || undefined}>
          <dt>{name}</dt>
          <dd>
            <span class="value">{value}</span> <span class="note">{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const share = (part, { total_requests: all }) => (all > 0 ? part / all : null);
