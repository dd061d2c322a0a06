// What every script does: it shows its steps, and its failures.

/** An error whose message is all that the user needs. */
export class Advice extends Error {}

/** Seconds between two signs of life of a step that prints nothing itself. */
const TICK = 10;

/**
 * Runs a step of a script, and prints its name and how long it took. With `ticks`, also that it still
 * runs, every few seconds.
 */
export async function step(name, work, { ticks = false } = {}) {
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  console.log(`• ${name} …`);
  const ticking = ticks && setInterval(() => console.log(`  … ${seconds().toFixed(0)} s`), TICK * 1000);
  try {
    const result = await work();
    console.log(`  done in ${seconds().toFixed(1)} s`);
    return result;
  } finally {
    clearInterval(ticking);
  }
}

/** Runs a script's main function. An `Advice` is printed without its stack. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Advice ? `\n${error.message}` : error.stack);
    process.exit(1);
  }
}
