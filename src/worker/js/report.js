// Log lines written by JavaScript.

/** Logs the failure of a part, in the form of Wasm's own log lines. */
export function report(part, error) {
  const fault = String(error?.message ?? error).slice(0, 200);
  console.log(JSON.stringify({ event: "failure", part, fault }));
}
