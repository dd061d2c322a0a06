// Which tier hits came from, and why requests passed through.

import { count, percent, plural } from "../lib/format.js";
import { sum } from "../lib/series.js";
import { Panel } from "./states.jsx";

const TIERS = [
  ["memory", "Memory", "hit"],
  ["edge", "Edge cache", "stale"],
  ["kv", "KV", "revalidated"],
];

/** Where hits came from, and why requests passed through. */
export function Served({ stats }) {
  const tiers = stats.by_tier ?? {};
  const hits = sum(TIERS.map(([name]) => tiers[name] ?? 0));
  const reasons = Object.entries(stats.bypass_reasons ?? {}).sort((a, b) => b[1] - a[1]);
  return (
    <Panel title="Where responses came from">
      {hits > 0 ? (
        <>
          <h3>Hits by tier</h3>
          <Bars rows={TIERS.map(([name, label, color]) => [label, tiers[name] ?? 0, color])} all={hits} />
        </>
      ) : (
        <p class="muted">No hits in this window.</p>
      )}
      <h3>Passed through, by reason</h3>
      {reasons.length > 0 ? (
        <>
          <Bars
            rows={reasons
              .slice(0, 5)
              .map(([name, number]) => [<code key={name}>{name}</code>, number, "bypass"])}
            all={stats.bypass}
          />
          <p class="more">
            <a href="#/operations?by=reason">
              {reasons.length > 5 ? `All ${plural(reasons.length, "reason")}` : "Reasons in detail"}
            </a>
          </p>
        </>
      ) : (
        <p class="muted">No request passed through.</p>
      )}
    </Panel>
  );
}

function Bars({ rows, all }) {
  return (
    <table class="bars">
      <tbody>
        {rows.map(([label, number, color], index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows are recognized by their place
          <tr key={index}>
            <th scope="row">{label}</th>
            <td class="track" aria-hidden="true">
              <svg viewBox="0 0 100 1" preserveAspectRatio="none" data-color={color}>
                <title>share</title>
                <rect width={all > 0 ? (100 * number) / all : 0} height="1" />
              </svg>
            </td>
            <td class="right">{count(number)}</td>
            <td class="right muted">{percent(all > 0 ? number / all : null)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
