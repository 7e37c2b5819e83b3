import { type Json, recordOf } from '../json_document.ts';
import { ANYBODY, lostAccess } from './access_changes.ts';
import type { ApiChange } from './api_change.ts';
import { errorChanges } from './error_changes.ts';
import { type HttpOperation, httpOperations, type Parameter } from './openapi_model.ts';
import { schemaChanges } from './schema_changes.ts';
import { versionChanges } from './version_changes.ts';

/** What breaks callers of the HTTP API when `before` becomes `after`. */
export function openApiChanges(before: Json, after: Json): ApiChange[] {
  const [old, now] = [httpOperations(before), httpOperations(after)];
  const pairs = [...old.values()].map((operation) => [operation, now.get(operation.route)] as const);
  return [
    ...versionChanges(recordOf(before['info'])['version'], recordOf(after['info'])['version'], 'the HTTP API'),
    ...pairs.flatMap(([operation, next]) =>
      next === undefined ? [gone(operation)] : operationChanges(operation, next),
    ),
    ...errorChanges(
      new Map([...old.values()].map(({ route, errors }) => [route, errors])),
      new Map([...now.values()].map((operation) => [operation.route, errorsWith(operation, old.get(operation.route))])),
    ),
  ];
}

const ACCESS_CODES = ['ACCESS_UNAUTHENTICATED', 'ACCESS_FORBIDDEN'];
const KEY_CODES = ['IDEMPOTENCY_KEY_MISSING', 'IDEMPOTENCY_KEY_REUSED', 'REQUEST_IN_PROGRESS'];

/** The codes of an operation, with those of before that are gone for a reason that is told, or good, by itself. */
function errorsWith(now: HttpOperation, before: HttpOperation | undefined): HttpOperation['errors'] {
  const explained = [
    ...(now.access.some(({ kind }) => kind === ANYBODY) ? ACCESS_CODES : []),
    ...(now.idempotency === 'inbox' ? [] : KEY_CODES),
  ];
  const old = [...(before?.errors ?? [])].filter(([code]) => explained.includes(code));
  return new Map([...old, ...now.errors]);
}

function gone({ route, command }: HttpOperation): ApiChange {
  return {
    names: [command],
    what: `${command}: ${route} is gone, removed or renamed`,
    breaks: `every client that calls ${route}: it gets 404 ROUTE_NOT_FOUND`,
  };
}

function operationChanges(before: HttpOperation, after: HttpOperation): ApiChange[] {
  return [
    ...nameChanges(before, after),
    ...accessChanges(before, after),
    ...parameterChanges(before, after),
    ...bodyChanges(before, after),
    ...replyChanges(before, after),
    ...limitChanges(before, after),
  ];
}

function nameChanges({ command, operationId, route }: HttpOperation, after: HttpOperation): ApiChange[] {
  if (operationId === after.operationId) return [];
  return [
    {
      names: [command, after.command],
      what: `${command}: the operation of ${route} is called ${after.operationId}, it was ${operationId}`,
      breaks: 'generated clients, whose methods are named after it',
    },
  ];
}

function accessChanges({ command, route, access }: HttpOperation, after: HttpOperation): ApiChange[] {
  return lostAccess(access, after.access).map((who) => ({
    names: [command],
    what: `${command}: ${who} may not call ${route} any more`,
    breaks: `${who}: they get 401 ACCESS_UNAUTHENTICATED or 403 ACCESS_FORBIDDEN`,
  }));
}

function parameterChanges(before: HttpOperation, after: HttpOperation): ApiChange[] {
  const { command, route } = before;
  const keyOf = ({ name, place }: Parameter): string => `${place} ${name}`;
  const old = new Map(before.parameters.map((one) => [keyOf(one), one]));
  const now = new Map(after.parameters.map((one) => [keyOf(one), one]));
  const refusal = `clients that call ${route} as before: they get 400`;
  const isNewlyRequired = (one: Parameter): boolean => one.required && old.get(keyOf(one))?.required !== true;
  const required = after.parameters.filter(isNewlyRequired).map(({ name, place }) => ({
    names: [command, name],
    what: `${command}: ${place} parameter "${name}" is required now`,
    breaks: refusal,
  }));
  const removed = before.parameters.filter((one) => !now.has(keyOf(one)));
  return [
    ...required,
    ...removed.map(({ name, place }) => ({
      names: [command, name],
      what: `${command}: ${place} parameter "${name}" is gone`,
      breaks: `clients of ${route} that send it: it is refused, or has no effect`,
    })),
    ...before.parameters.flatMap((one) => {
      const next = now.get(keyOf(one));
      if (next === undefined) return [];
      return schemaChanges(one.schema, next.schema, 'taken').map(({ what }) => ({
        names: [command, one.name],
        what: `${command}: ${one.place} parameter "${one.name}": ${what}`,
        breaks: refusal,
      }));
    }),
  ];
}

function bodyChanges({ command, route, body }: HttpOperation, { body: next }: HttpOperation): ApiChange[] {
  const breaks = `clients that call ${route} as before: they get 400 REQUEST_INVALID, or another effect`;
  if (next === undefined) {
    return body === undefined
      ? []
      : [{ names: [command], what: `${command}: ${route} takes no body any more`, breaks }];
  }
  if (next.required && body?.required !== true)
    return [{ names: [command], what: `${command}: ${route} needs a body now`, breaks }];
  const old = body?.schema ?? next.schema;
  return schemaChanges(old, next.schema, 'taken').map(({ field, what }) => ({
    names: [command, ...named(field)],
    what: `${command}: ${what} in the request`,
    breaks,
  }));
}

function replyChanges({ command, route, replies }: HttpOperation, after: HttpOperation): ApiChange[] {
  return [...replies].flatMap(([status, schema]) => {
    const next = after.replies.get(status);
    const breaks = `clients that read the reply of ${route}`;
    if (next === undefined)
      return [{ names: [command, status], what: `${command}: ${route} answers no ${status} any more`, breaks }];
    return schemaChanges(schema, next, 'given').map(({ field, what }) => ({
      names: [command, ...named(field)],
      what: `${command}: ${what} in the reply`,
      breaks,
    }));
  });
}

/** What a changelog entry names of a field. */
export const named = (field: string): string[] => (field === '' ? [] : [field]);

function limitChanges(before: HttpOperation, after: HttpOperation): ApiChange[] {
  const { command, route } = before;
  const lowered = (what: string, from: number, to: number, breaks: string): ApiChange[] =>
    to < from ? [{ names: [command], what: `${command}: ${what} ${to}, it was ${from}`, breaks }] : [];
  const forgets = before.idempotency === 'inbox' && after.idempotency !== 'inbox';
  return [
    ...lowered(
      'calls a minute',
      before.ratePerMinute,
      after.ratePerMinute,
      `busy clients of ${route}: they get 429 RATE_LIMITED`,
    ),
    ...lowered(
      'bytes of a body',
      before.maxBytes,
      after.maxBytes,
      `clients that send more to ${route}: they get 413 REQUEST_TOO_LARGE`,
    ),
    ...(forgets
      ? [
          {
            names: [command],
            what: `${command}: idempotency is ${after.idempotency}, it was inbox`,
            breaks: `clients that repeat ${route} with the same key: they get no stored reply`,
          },
        ]
      : []),
  ];
}
