import type { Owner } from './event_ring.ts';

/** Owner text is `<connection id>@<node>`; the id is a UUID, so the first `@` ends it. */
export function ownerOf(text: unknown): Owner | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  const at = text.indexOf('@');
  return at < 0 ? undefined : { connectionId: text.slice(0, at), node: text.slice(at + 1) };
}

/** @throws TypeError for anything but a list */
export function list(raw: unknown): readonly unknown[] {
  if (!Array.isArray(raw)) throw new TypeError('the ring script answered no list');
  return raw;
}

/** @throws TypeError for anything but a whole number */
export function number(value: unknown): number {
  const parsed = Number(value);
  if (!Number.isSafeInteger(parsed)) throw new TypeError('the ring script answered no whole number');
  return parsed;
}
