// The answer of `POST explain`: the decision first, then what led to it.

import { decisionOf, purgeOf, reasonOf } from "../lib/decision.js";
import { bytes, count, duration, moment, plural } from "../lib/format.js";
import { Chips, Facts, Prose } from "./bits.jsx";

export function Explanation({ explained, level = 2 }) {
  const { tone, text } = decisionOf(explained);
  const { reason, signals = [], types = [], warnings = [], tags = [], key } = explained;
  const operations = explained.operations ?? [];
  const Heading = `h${level}`;
  return (
    <div class="explanation">
      <p class={`decision ${tone}`}>{text}</p>
      {reason && <Reason reason={reason} />}
      {explained.x_cache && <Facts of={[["X-Cache", <code key="x">{explained.x_cache}</code>]]} />}
      {warnings.map((warning) => (
        <Warning key={`${warning.word} ${warning.message}`} warning={warning} />
      ))}
      <Request request={explained.request} Heading={Heading} />
      {signals.length > 0 && <Signals signals={signals} Heading={Heading} />}
      {types.length > 0 && <Types types={types} later={explained.types_by_response} Heading={Heading} />}
      {explained.terms && <Terms terms={explained.terms} Heading={Heading} />}
      {key && (
        <>
          <Heading>Key</Heading>
          <code class="block">{key}</code>
        </>
      )}
      {tags.length > 0 && (
        <>
          <Heading>Tags known in advance</Heading>
          <Chips of={tags} />
        </>
      )}
      {explained.purges && <Purged purges={explained.purges} Heading={Heading} />}
      {explained.entry && <Entry entry={explained.entry} Heading={Heading} />}
      {operations.map((operation, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: operations of a batch are known by their place
        <section key={index} class="operation">
          <Heading>Operation {index + 1}</Heading>
          <Explanation explained={operation} level={3} />
        </section>
      ))}
    </div>
  );
}

const Reason = ({ reason: { word, detail, meaning, remedy } }) => (
  <Facts
    of={[
      ["Reason", <code key="word">{reasonOf({ word, detail })}</code>],
      ["Meaning", meaning && <Prose key="meaning" text={meaning} />],
      ["What to do", remedy && <Prose key="remedy" text={remedy} />],
    ]}
  />
);

const Warning = ({ warning: { word, message, remedy } }) => (
  <div class="message warn">
    <p>
      <b>
        <Prose text={message} />
      </b>{" "}
      <code>{word}</code>
    </p>
    {remedy && (
      <p>
        <Prose text={remedy} />
      </p>
    )}
  </div>
);

function Request({ request, Heading }) {
  if (!request) return null;
  const { form, operation, document, variables } = request;
  const hasVariables = variables !== null && variables !== undefined;
  return (
    <>
      <Heading>Request</Heading>
      <Facts
        of={[
          ["Form", form],
          ["Operation", operation && `${operation.kind} ${operation.name ?? "without a name"}`],
        ]}
      />
      {document && (
        <details>
          <summary>Document, normalised</summary>
          <pre>{document}</pre>
        </details>
      )}
      {hasVariables && (
        <details>
          <summary>Variables</summary>
          <pre>{typeof variables === "string" ? variables : JSON.stringify(variables, null, 2)}</pre>
        </details>
      )}
    </>
  );
}

const Signals = ({ signals, Heading }) => (
  <>
    <Heading>Signals</Heading>
    <ul class="lines">
      {signals.map(({ signal, covered_by: by = [], not_covered_by: missing = [], is_covered: isCovered }) => (
        <li key={signal}>
          <code>{signal}</code>{" "}
          {isCovered ? (
            <span class="state good">covered by {by.join(", ") || "all types"}</span>
          ) : (
            <span class="state bad">{`not covered${missing.length > 0 ? ` by ${missing.join(", ")}` : ""}`}</span>
          )}
        </li>
      ))}
    </ul>
  </>
);

const Types = ({ types, later = [], Heading }) => (
  <>
    <Heading>Cache types</Heading>
    <ul class="lines">
      {types.map(({ name, matched_by: by = [] }) => (
        <li key={name}>
          <b>{name}</b> <span class="muted">{by.length > 0 ? "by" : "by nothing else"}</span>{" "}
          {by.map((match) => (
            <code key={match}>{match} </code>
          ))}
        </li>
      ))}
      {later.length > 0 && (
        <li class="muted">{`${later.join(", ")}: if the response shows their GraphQL types`}</li>
      )}
    </ul>
  </>
);

const yesNo = (value) => (value ? "yes" : "no");
const TERMS = [
  ["ttl", "Lifetime", duration],
  ["swr", "Stale while revalidating", duration],
  ["sie", "Stale if error", duration],
  ["scope", "Shared by", String],
  ["vary", "Varies by", String],
  ["client_ttl", "Lifetime at the client", duration],
  ["override", "Overrides the origin", yesNo],
];

/** Each term with the place in the configuration that set it. */
function Terms({ terms, Heading }) {
  const rows = TERMS.flatMap(([name, label, format]) => readTerms(terms[name], label, format));
  const { scope = [], origin_rules: rules = [] } = terms;
  if ([scope].flat().length === 0) rows.push({ label: "Shared by", text: "everybody" });
  return (
    <>
      <Heading>Terms</Heading>
      <table class="small terms">
        <tbody>
          {rows.map(({ label, text, from }) => (
            <tr key={`${label}${text}${from}`}>
              <th scope="row">{label}</th>
              <td>{text}</td>
              <td>{from?.includes(" ") ? from : <code>{from}</code>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rules.length > 0 && <p class="note">{`Of the origin's headers: ${rules.join("; ")}.`}</p>}
    </>
  );
}

const readTerms = (terms, label, format) =>
  [terms]
    .flat()
    .filter((term) => term !== null && term !== undefined)
    .map((term) => {
      const { value, from } = typeof term === "object" ? term : { value: term };
      return { label, text: value === null ? "as the origin says" : format(value), from };
    });

const Purged = ({ purges: { all, tags = [] }, Heading }) => (
  <>
    <Heading>Purges</Heading>
    <p class="hint">By the request alone; the origin's response can add to it.</p>
    {all ? <p>Everything of the service.</p> : <Chips of={tags} />}
  </>
);

const VERDICTS = { valid: "valid", stale: "stale, by a soft purge", purged: "purged" };

const Entry = ({ entry, Heading }) => (
  <>
    <Heading>Stored entry</Heading>
    <Facts
      of={[
        ["Tier", entry.tier],
        ["Stored", moment(entry.stored_at)],
        ["Age", duration(entry.age)],
        ["Lifetime", duration(entry.ttl)],
        ["Freshness", entry.freshness],
        ["Verdict of the log", VERDICTS[entry.verdict] ?? entry.verdict],
        ["Purged by", entry.purged_by && purgeOf(entry.purged_by)],
        ["Status", entry.status],
        ["Size", bytes(entry.bytes)],
      ]}
    />
    {entry.tags?.length > 0 && (
      <details>
        <summary>{plural(entry.tags.length, "tag")}</summary>
        <Chips of={entry.tags.slice(0, 200)} />
        {entry.tags.length > 200 && <p class="muted">and {count(entry.tags.length - 200)} more</p>}
      </details>
    )}
  </>
);
