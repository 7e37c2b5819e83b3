/** Prints a figure of a test, for whoever reads its output. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
