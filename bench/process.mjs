// Programs that must not outlive the benchmark, however it ends.

import { start, stop } from "../scripts/lib/run.mjs";

/** Starts a program; resolves with its child and what ends it. */
export function launch(command, args, options) {
  const child = start(command, args, options);
  const kill = () => child.kill();
  process.once("exit", kill);
  return {
    child,
    stop: () => {
      process.off("exit", kill);
      return stop(child);
    },
  };
}
