// Log lines of JavaScript's own.

export function report(part, error) {
  const fault = String(error?.message ?? error).slice(0, 200);
  console.log(JSON.stringify({ event: "failure", part, fault }));
}
