import type { HttpRoute } from '@warren/contracts';
import { ToolError } from '../tool_error.ts';
import { type CommandBase, type CommandWorld, fieldsOf } from './command_spec.ts';
import { isRead } from './rules.ts';

const ROUTE = /^(GET|POST|DELETE) (\/v1\/[a-z0-9/{}_-]+)$/;
const FIELD = /\{(\w+)\}/g;

type Place = Pick<HttpRoute, 'method' | 'path'>;

/** The given route, or the first usual one that is free; none for a command that only services send. */
export function routeOf(given: string | undefined, base: CommandBase, world: CommandWorld): HttpRoute | undefined {
  if (base.access === 'service') return undefined;
  const wanted = given === undefined ? usualPlaces(base) : [givenPlace(given, base)];
  const place = wanted.find((one) => isFree(one, world));
  if (place !== undefined) return { ...place, status: base.rule === 'add' ? 201 : 200 };
  const names = wanted.map(({ method, path }) => `${method} ${path}`).join(' and ');
  throw new ToolError(`The route ${names} is taken: give another one with --http.`);
}

/** Two routes are one when they differ in the names of their parameters only. */
const shapeOf = (path: string): string => path.replaceAll(FIELD, '{}');

const isFree = ({ method, path }: Place, { contracts }: CommandWorld): boolean =>
  !contracts.some(({ http }) => http?.method === method && shapeOf(http.path) === shapeOf(path));

function usualPlaces({ prefix, rule, access, noun, nouns, verb }: CommandBase): Place[] {
  const all = `/v1/${access === 'server' ? 'servers/' : ''}${prefix}/${nouns.kebab}`;
  const one = `${all}/{${noun.snake}_id}`;
  if (rule === 'get')
    return [
      { method: 'GET', path: one },
      { method: 'GET', path: `${one}/${verb}` },
    ];
  const paths = rule === 'add' ? [all, `${all}/${verb}`] : [`${one}/${verb}`];
  return paths.map((path) => ({ method: 'POST', path }));
}

function givenPlace(given: string, base: CommandBase): Place {
  const [, method, path] = ROUTE.exec(given) ?? [];
  if (path === undefined || (method !== 'GET' && method !== 'POST' && method !== 'DELETE'))
    throw new ToolError(`"${given}" is no route: write it like "POST /v1/${base.prefix}/${base.nouns.kebab}".`);
  if ((method === 'GET') !== isRead(base.rule)) throw new ToolError('GET is for reads, and a read is GET.');
  const fields = fieldsOf(base);
  const strange = [...path.matchAll(FIELD)].map(([, field = '']) => field).find((field) => !fields.includes(field));
  if (strange === undefined) return { method, path };
  throw new ToolError(`The path parameter {${strange}} is no field of the command; it has ${fields.join(', ')}.`);
}

/** `item.grant`, or the command's own name where that is taken; only players have a socket for requests. */
export function socketTypeOf(
  { access, noun, verb, name }: CommandBase,
  { contracts }: CommandWorld,
): string | undefined {
  if (access !== 'player') return undefined;
  const usual = noun.snake.includes('_') ? [] : [`${noun.snake}.${verb}`];
  return [...usual, name].find((type) => contracts.every(({ ws }) => ws !== type));
}
