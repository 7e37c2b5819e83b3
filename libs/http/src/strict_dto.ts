import type { Contract } from '@warren/contracts';
import type { AppError, FieldFault } from '@warren/kernel';
import * as z from 'zod';
import { commonError } from './problem.ts';

/** Faults told of one request: enough to mend it, not enough to make the answer large. */
const MAX_FAULTS = 20;
/** Characters of a key or message in a fault: both may come from the caller. */
const MAX_FAULT_CHARS = 200;

/** The fields of an object schema; zod's own type of `shape` is looser than what is in it. */
export function fieldsOf(schema: z.ZodObject): Readonly<Record<string, z.core.$ZodType>> {
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
  return shape;
}

const strictSchemas = new WeakMap<Contract, z.ZodObject>();

/** The contract's DTO with every object strict, at every depth: an unknown key is refused instead of dropped. */
export function strictDto(contract: Contract): z.ZodObject {
  const known = strictSchemas.get(contract);
  if (known !== undefined) return known;
  const made = strictly(contract.dto);
  if (!(made instanceof z.ZodObject)) throw new TypeError(`the DTO of ${contract.name} is not an object`);
  strictSchemas.set(contract, made);
  return made;
}

/**
 * The DTO of `input`, defaults applied.
 * @throws AppError REQUEST_INVALID with one fault per field
 */
export function validateStrictly(contract: Contract, input: unknown): Record<string, unknown> {
  const result = strictDto(contract).safeParse(input);
  if (result.success) return result.data;
  throw invalidInput(result.error.issues.flatMap(faultsOf));
}

/** @throws nothing; makes the AppError REQUEST_INVALID of these faults. */
export function invalidInput(fields: readonly FieldFault[]): AppError {
  const first = fields[0];
  const message =
    first === undefined ? 'The request does not fit its schema.' : `${first.path || 'The request'}: ${first.message}`;
  return commonError('REQUEST_INVALID', { message, fields: fields.slice(0, MAX_FAULTS) });
}

function faultsOf(issue: z.core.$ZodIssue): FieldFault[] {
  const path = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path: short(path), message: short(issue.message) }];
  return issue.keys.map((key) => ({
    path: short(path === '' ? key : `${path}.${key}`),
    message: 'is not a known field',
  }));
}

const short = (text: string): string => text.slice(0, MAX_FAULT_CHARS).toWellFormed();

/** Rebuilds a schema with strict objects. Checks and refinements stay, because only the definition's parts are replaced. */
function strictly(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodObject) {
    const shape = Object.fromEntries(Object.entries(fieldsOf(schema)).map(([key, field]) => [key, strictly(field)]));
    return z.core.clone(schema, { ...schema.def, shape, catchall: z.never() });
  }
  if (schema instanceof z.ZodArray)
    return z.core.clone(schema, { ...schema.def, element: strictly(schema.def.element) });
  if (schema instanceof z.ZodOptional)
    return z.core.clone(schema, { ...schema.def, innerType: strictly(schema.def.innerType) });
  if (schema instanceof z.ZodNullable)
    return z.core.clone(schema, { ...schema.def, innerType: strictly(schema.def.innerType) });
  if (schema instanceof z.ZodDefault)
    return z.core.clone(schema, { ...schema.def, innerType: strictly(schema.def.innerType) });
  if (schema instanceof z.ZodUnion)
    return z.core.clone(schema, { ...schema.def, options: schema.def.options.map(strictly) });
  return schema;
}
