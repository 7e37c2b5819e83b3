import { CLOSE_CODES } from '@warren/contracts';

type CloseName = keyof typeof CLOSE_CODES;

/** What each close code of a WebSocket means. */
export const CLOSE_NOTES: readonly (readonly [name: CloseName, note: string])[] = [
  ['restart', 'The gateway restarts or lost its state. Connect again after the time of `goodbye`, then resume.'],
  ['invalid', 'A binary frame, or too many frames that could not be understood.'],
  ['expired', 'No valid ticket in time, or the access token ended. Log in or refresh, then connect again.'],
  [
    'forbidden',
    'The ticket belongs to another kind of client: a player at the address of game servers, or the reverse.',
  ],
  ['slow', 'The client did not read fast enough. Connect again and resume.'],
  ['replaced', 'A newer connection of the same player or game server took over. Do not connect again by yourself.'],
  ['tooBig', 'A frame was too big or in too many pieces.'],
  ['rate', 'Too many frames in too short a time.'],
];

/** Close code → what it means. */
export const closeTable = (): Record<string, string> =>
  Object.fromEntries(CLOSE_NOTES.map(([name, note]) => [String(CLOSE_CODES[name]), note]));
