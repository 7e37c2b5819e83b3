import fs from 'node:fs';
import path from 'node:path';
import type { Clone } from '../clone/clone.ts';
import { writePrivateFile } from '../clone/clone.ts';
import { ServerPlaces } from './place.ts';

const fileOf = (clone: Clone): string => path.join(clone.stateDir, 'servers.json');

/** Where the servers were at the last run; undefined when there was none or the record is of another version. */
export function readPlaces(clone: Clone): ServerPlaces | undefined {
  try {
    return ServerPlaces.parse(JSON.parse(fs.readFileSync(fileOf(clone), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Records where the servers are; the file holds passwords. */
export function writePlaces(clone: Clone, places: ServerPlaces): void {
  writePrivateFile(fileOf(clone), `${JSON.stringify(places, null, 2)}\n`);
}
