/** A part of a document that was read from a file, so that nothing is known of it. */
export type Json = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const recordOf = (value: unknown): Json => (isRecord(value) ? value : {});

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What `#/components/schemas/X` leads to; undefined where it leads to nothing. */
export function pointerTo(document: Json, ref: string): unknown {
  if (!ref.startsWith('#/')) return undefined;
  let part: unknown = document;
  for (const step of ref.slice(2).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    part = isRecord(part) && Object.hasOwn(part, key) ? part[key] : undefined;
  }
  return part;
}
