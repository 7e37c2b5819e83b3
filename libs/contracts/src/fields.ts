import * as z from 'zod';

/** Text that Postgres stores unchanged: well-formed, without U+0000. Length in UTF-16 units and in bytes of UTF-8. */
export const text = (minChars: number, maxChars: number): z.ZodString =>
  z
    .string()
    .min(minChars)
    .max(maxChars)
    .refine((value) => !value.includes('\u0000'), 'must not hold the character U+0000')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

const HIDDEN = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

/** Text on one line that people see: also without control characters and without marks that turn the direction of writing. */
export const label = (minChars: number, maxChars: number): z.ZodString =>
  text(minChars, maxChars).refine((value) => !HIDDEN.test(value), 'must not hold control or direction characters');

export const IdField = z.guid().transform((value) => value.toLowerCase());

/** ISO 8601 in UTC, such as 2026-11-21T10:00:00.000Z. */
export const TimeField = z.iso.datetime();

/** Ids that operators and servers choose: letters, digits, dot, dash, underscore. */
export const NameField = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, 'use up to 63 letters, digits, dots, dashes or underscores');

export const EmptyDto = z.object({});
