/**
 * Preloaded into a service under test: SIGUSR2 reads a file with a number of milliseconds by which the wall clock is wrong
 * from then on. The monotonic clock is left alone, as it is by a real jump of the wall clock.
 */
import fs from 'node:fs';
import process from 'node:process';

const TrueDate = globalThis.Date;
const file = process.env.FAULTLAB_CLOCK_FILE;
let skewMs = 0;

class SkewedDate extends TrueDate {
  constructor(...parts) {
    if (parts.length === 0) super(TrueDate.now() + skewMs);
    else super(...parts);
  }

  static now() {
    return TrueDate.now() + skewMs;
  }
}

globalThis.Date = SkewedDate;
process.on('SIGUSR2', () => {
  skewMs = Number(fs.readFileSync(file, 'utf8'));
});
