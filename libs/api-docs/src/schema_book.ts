import * as contracts from '@warren/contracts';
import * as z from 'zod';
import { isJson, type Json, sorted } from './json.ts';

/** Where the shared schemas of a document are, in OpenAPI and AsyncAPI alike. */
const PLACE = '#/components/schemas/';

export interface SchemaRef {
  readonly $ref: string;
}

/** A schema of the contracts is known by the name under which it is exported. */
const EXPORTED: ReadonlyMap<z.core.$ZodType, string> = new Map(
  Object.entries(contracts).flatMap(([name, value]) => (value instanceof z.ZodType ? [[value, name] as const] : [])),
);

/** `auth.register` + `Dto` → `AuthRegisterDto`, for a schema that has no name of its own. */
function nameFrom(contract: string, suffix: string): string {
  const words = contract.split(/[._]/).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  return `${words.join('')}${suffix}`;
}

/**
 * The shared schemas of one document. What has a name in `@warren/contracts` is referred to by it, wherever it stands;
 * everything is what the sender may write (defaults may be left out), and a plain object may hold more fields.
 */
export class SchemaBook {
  readonly #target: 'draft-7' | 'draft-2020-12';
  readonly #named = new Map<z.core.$ZodType, string>(EXPORTED);
  readonly #holders = new Map<string, z.core.$ZodType>([...EXPORTED].map(([schema, name]) => [name, schema]));
  /** What stands under a name instead of the schema that has it in the contracts. */
  readonly #published = new Map<string, z.core.$ZodType>();
  readonly #plain = new Map<string, Json>();

  constructor(target: 'draft-7' | 'draft-2020-12') {
    this.#target = target;
  }

  /**
   * Refers to a schema of a contract or event. `published` stands there for it, such as its strict form.
   * @throws Error when another schema has the name that this one would get
   */
  refTo(schema: z.core.$ZodType, owner: string, suffix: string, published = schema): SchemaRef {
    const name = this.#named.get(schema) ?? nameFrom(owner, suffix);
    const holder = this.#holders.get(name) ?? schema;
    if (holder !== schema)
      throw new Error(`two schemas are called ${name}: export the one of ${owner} by another name`);
    this.#holders.set(name, schema);
    this.#named.set(schema, name);
    if (!this.#published.has(name)) this.#published.set(name, published);
    return { $ref: PLACE + name };
  }

  /** A schema that is JSON already. */
  addPlain(name: string, schema: Json): SchemaRef {
    this.#plain.set(name, schema);
    return { $ref: PLACE + name };
  }

  /** The JSON Schema of a single field: a reference where it has a name, else the schema itself. */
  field(schema: z.core.$ZodType): Json {
    const name = this.#named.get(schema);
    if (name !== undefined) return { $ref: PLACE + name };
    return bare(
      z.toJSONSchema(schema, {
        io: 'input',
        target: this.#target,
        unrepresentable: 'any',
      }),
    );
  }

  /** Every schema that a document refers to, by name, with those that they refer to themselves. */
  componentsFor(document: unknown): Record<string, Json> {
    const all: Record<string, Json> = { ...this.#generate(this.#published), ...Object.fromEntries(this.#plain) };
    const used = new Map<string, Json>();
    const open = refsIn(document);
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const schema = all[name];
      if (schema === undefined || used.has(name)) continue;
      used.set(name, schema);
      open.push(...refsIn(schema));
    }
    return sorted(Object.fromEntries(used));
  }

  #generate(wanted: ReadonlyMap<string, z.core.$ZodType>): Record<string, Json> {
    const registry = z.registry<{ id: string }>();
    const taken = new Set(wanted.keys());
    for (const [name, schema] of wanted) registry.add(schema, { id: name });
    for (const [schema, name] of this.#named) if (!taken.has(name)) registry.add(schema, { id: name });
    const { schemas } = z.toJSONSchema(registry, {
      io: 'input',
      target: this.#target,
      unrepresentable: 'any',
      uri: (id) => PLACE + id,
    });
    return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)]));
  }
}

/** Without the words that say which standard it follows: the document says that for all of them. */
function bare(schema: Json): Json {
  const { $schema: _, $id: __, ...rest } = schema;
  return rest;
}

/** Names of the shared schemas that a part of a document refers to. */
function refsIn(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(refsIn);
  if (!isJson(part)) return [];
  return Object.entries(part).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(PLACE)
      ? [value.slice(PLACE.length)]
      : refsIn(value),
  );
}
