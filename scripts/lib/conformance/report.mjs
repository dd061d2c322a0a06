// A summary of the suite's results: counts by group and cache, and the tests that do not pass.

const KINDS = ["required", "optimal", "check"];

const MEANINGS = {
  pass: "passed",
  fail: "failed",
  optional_fail: "not optimal",
  yes: "yes",
  no: "no",
  setup_fail: "its setup failed",
  dependency_fail: "depends on what does not pass",
  retry: "a request came to the origin twice",
  harness_fail: "no answer in time",
  untested: "was not run",
};

/** Each test with its kind, verdict and the suite's message, by group. */
export function judge(suite, results) {
  return suite.groups.map((group) => ({
    id: group.id,
    name: group.name,
    tests: group.tests.map((test) => ({
      id: test.id,
      name: test.name,
      kind: test.kind ?? "required",
      verdict: suite.verdict(test, results),
      message: Array.isArray(results[test.id]) ? results[test.id].join(": ") : "",
      ...(test.depends_on ? { dependsOn: test.depends_on } : {}),
    })),
  }));
}

/** How many tests of each kind there are, and how many have each verdict. */
export function count(groups) {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, { total: 0 }]));
  for (const { kind, verdict } of groups.flatMap((group) => group.tests)) {
    counts[kind].total += 1;
    counts[kind][verdict] = (counts[kind][verdict] ?? 0) + 1;
  }
  return counts;
}

/** The table of groups and caches. `judged` has the groups by the cache's name. */
export function table(judged) {
  const names = Object.keys(judged);
  const groups = judged[names[0]];
  const rows = groups.map((group, n) => [
    group.name,
    ...names.flatMap((name) => cells(count([judged[name][n]]))),
  ]);
  const total = ["all", ...names.flatMap((name) => cells(count(judged[name])))];
  const kinds = ["", ...names.flatMap(() => ["required", "optimal", "yes/no"])];
  const heads = ["", ...names.flatMap((name) => [name, "", ""])];
  return [heads, kinds, ...rows, total].map(line).join("\n");
}

function cells({ required, optimal, check }) {
  const passed = ({ total, pass = 0 }) => (total === 0 ? "-" : `${pass}/${total}`);
  const { total, yes = 0, no = 0 } = check;
  return [passed(required), passed(optimal), total === 0 ? "-" : `${yes}/${no}`];
}

/** Wide enough for the longest name of a group. */
function line([name, ...others]) {
  const padded = others.map((cell, n) => cell.padEnd(n % 3 === 2 ? 9 : 10));
  return `${name.padEnd(58)}${padded.join("")}`.trimEnd();
}

/** Every test that does not pass, with what the suite says of it; then the checks that say no. */
export function notPassing(groups) {
  const lines = [];
  for (const kind of KINDS) {
    const found = groups.flatMap((group) =>
      group.tests
        .filter((test) => test.kind === kind && test.verdict !== "pass" && test.verdict !== "yes")
        .map((test) => ({ ...test, group: group.id })),
    );
    lines.push("", `${kind}: ${found.length} of ${count(groups)[kind].total}`);
    for (const test of found) {
      const because = test.verdict === "dependency_fail" ? `: ${lacking(groups, test).join(", ")}` : "";
      lines.push(`  ${test.group} ${test.id}: ${MEANINGS[test.verdict]}${because}`);
      if (test.message !== "") lines.push(`    ${test.message}`);
    }
  }
  return lines.join("\n");
}

/** The tests that a test depends on and that do not pass, as far as they are shown. */
function lacking(groups, { dependsOn }) {
  const passes = ({ verdict }) => verdict === "pass" || verdict === "yes";
  const shown = new Map(groups.flatMap((group) => group.tests.map((test) => [test.id, test])));
  const failing = dependsOn.filter((id) => shown.has(id) && !passes(shown.get(id)));
  return failing.length > 0 ? failing : dependsOn;
}
