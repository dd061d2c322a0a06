// The state of the service's parts, and the banner that a paused or alerting service has on every view.

import { call } from "../lib/api.js";
import { clock, count, day, duration, moment, percent } from "../lib/format.js";
import { useAction } from "../lib/hooks.js";
import { State } from "./bits.jsx";
import { Failure, Loaded, Panel } from "./states.jsx";

const NAMES = {
  kv: "KV",
  purge_log: "Purge log",
  edge_cache: "Edge cache",
  origin: "Origin",
  schema: "Schema",
  statistics: "Statistics",
  warming: "Warming",
};
const ALERTS = { "hit-rate": "Hit rate", errors: "Errors", kv: "KV", "purge-log": "Purge log" };
const alertName = (name) => ALERTS[name] ?? name.replaceAll(/[-_]/g, " ");
export const partName = (name) => NAMES[name] ?? name.replaceAll(/[-_]/g, " ");

export function Health({ health }) {
  return (
    <Panel title="Health">
      <Loaded resource={health}>
        {({ parts = {}, alerts = [] }) => (
          <div class="health">
            <ul class="parts">
              {Object.entries(parts).map(([name, { state, reason }]) => (
                <li key={name}>
                  <span class="part-name">{partName(name)}</span>
                  <State state={state} />
                  {reason && <span class="note">{reason}</span>}
                </li>
              ))}
            </ul>
            <Alerts alerts={alerts} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

const isNumber = (value) => value !== null && value !== undefined;
const value = (alert, number) => (alert === "hit-rate" ? percent(number) : `${count(number)} a minute`);

/** What was measured, and the threshold; alerts about parts have neither. */
function measured({ alert, value: now, threshold }) {
  if (!isNumber(threshold)) return null;
  if (!isNumber(now)) return `too few look-ups to tell; the threshold is ${value(alert, threshold)}`;
  return `${value(alert, now)}; the threshold is ${value(alert, threshold)}`;
}

function Alerts({ alerts }) {
  if (alerts.length === 0) return null;
  return (
    <>
      <h3>Alerts</h3>
      <ul class="parts">
        {alerts.map((alert) => {
          const since = alert.state === "firing" && alert.since ? `since ${moment(alert.since)}` : null;
          const note = [measured(alert), since].filter(Boolean).join("; ");
          return (
            <li key={alert.alert}>
              <span class="part-name">{alertName(alert.alert)}</span>
              <State state={alert.state} />
              {note && <span class="note">{note}</span>}
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** What an operator must not miss: the cache is paused, or alerts fire. */
export function Banner({ health }) {
  const { paused, alerts = [], state, parts = {} } = health.data ?? {};
  const firing = alerts.filter((alert) => alert.state === "firing");
  const failing = Object.entries(parts).filter(([, part]) => ["DEGRADED", "DOWN"].includes(part.state));
  return (
    <>
      {paused && <Paused until={paused.until} onResumed={health.reload} />}
      {(state === "DEGRADED" || state === "DOWN") && failing.length > 0 && (
        <div class={`message ${state === "DOWN" ? "bad" : "warn"}`} role="status">
          <p>
            <b>{state === "DOWN" ? "The service is down." : "The service is degraded."}</b>{" "}
            {failing
              .map(([name, { reason }]) => `${partName(name)}${reason ? `: ${reason}` : ""}`)
              .join("; ")}
          </p>
        </div>
      )}
      {firing.length > 0 && (
        <div class="message warn" role="status">
          <p>
            <b>{firing.length === 1 ? "An alert fires." : `${firing.length} alerts fire.`}</b>{" "}
            {firing
              .map(({ alert, value: now, threshold }) =>
                isNumber(threshold)
                  ? `${alertName(alert)}: ${value(alert, now)} (threshold ${value(alert, threshold)})`
                  : `${alertName(alert)} fails`,
              )
              .join("; ")}
          </p>
        </div>
      )}
    </>
  );
}

function Paused({ until, onResumed }) {
  const resume = useAction(async () => {
    await call("resume", { body: {} });
    onResumed();
  });
  return (
    <div class="message warn" role="status">
      <p>
        <b>The cache is paused.</b> Every request goes to the origin{" "}
        {until
          ? `until ${day(until)} ${clock(until)}, for another ${duration(Math.max(0, until - Date.now()) / 1000)}`
          : "until somebody resumes it"}
        . Writes still purge.
      </p>
      <button type="button" onClick={resume.run} disabled={resume.isRunning}>
        Resume
      </button>
      {resume.error && <Failure error={resume.error} />}
    </div>
  );
}
