import { type Violation, violation } from './violation.ts';

/** How often something was seen that a fault is there to provoke. */
export type Sightings = Readonly<Record<string, number>>;

/** A run that never met what it is for proves nothing. */
export function checkSometimes(sightings: Sightings, required: readonly string[] | 'everything'): Violation[] {
  return (required === 'everything' ? Object.keys(sightings) : required)
    .filter((name) => (sightings[name] ?? 0) === 0)
    .map((name) => violation('SOMETIMES', `the run never met: ${name}`));
}
