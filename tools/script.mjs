// What every script does: it shows its steps, and its failures.

/** An error whose message is all that the user needs. */
export class Advice extends Error {}

/** Runs a step of a script, and prints its name and how long it took. */
export async function step(name, work) {
  const started = Date.now();
  console.log(`• ${name} …`);
  const result = await work();
  console.log(`  done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return result;
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
