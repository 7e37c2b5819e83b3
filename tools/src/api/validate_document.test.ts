import { gatewayDocuments } from '@warren/session';
import { expect, test } from 'vitest';
import { isRecord, type Json } from './json_document.ts';
import { systemAsyncApi } from './system_asyncapi.ts';
import { asyncApiProblems, openApiProblems } from './validate_document.ts';

const { openapi, asyncapi: ofClients } = gatewayDocuments();
const ofAll = systemAsyncApi();

/** A copy of a document in which one thing is spoiled. */
function spoiled(document: object, spoil: (draft: Record<string, unknown>) => void): Json {
  const draft: unknown = structuredClone(document);
  if (!isRecord(draft)) throw new TypeError('not a document');
  spoil(draft);
  return draft;
}

const at = (draft: unknown, ...steps: readonly string[]): Record<string, unknown> =>
  steps.reduce(
    (part, step) => (part as Record<string, Record<string, unknown>>)[step] ?? {},
    draft as Record<string, unknown>,
  );

test('the OpenAPI document is valid by the official schema', () => {
  expect(openApiProblems({ ...openapi })).toEqual([]);
});

test('the AsyncAPI documents are valid by the official schema', () => {
  expect(asyncApiProblems({ ...ofAll })).toEqual([]);
  expect(asyncApiProblems({ ...ofClients })).toEqual([]);
});

test.for<[what: string, spoil: (draft: Record<string, unknown>) => void, problem: string]>([
  ['without its version', (draft) => delete draft['openapi'], 'openapi'],
  [
    'with an operation whose parameter is nowhere',
    (draft) => (at(draft, 'paths', '/v1/auth/register', 'post')['parameters'] = [{ name: 'x', in: 'nowhere' }]),
    'in',
  ],
  [
    'with a schema of an unknown type',
    (draft) => (at(draft, 'components', 'schemas', 'AccountReply')['type'] = 'account'),
    'type',
  ],
  [
    'with a keyword that JSON Schema does not know',
    (draft) => (at(draft, 'components', 'schemas', 'AccountReply')['minLenght'] = 3),
    'minLenght',
  ],
  [
    'with a reference to nothing',
    (draft) => (at(draft, 'components', 'schemas')['Other'] = { $ref: '#/components/schemas/Gone' }),
    '#/components/schemas/Gone leads to nothing',
  ],
  [
    'with an example that does not fit',
    (draft) =>
      (at(draft, 'paths', '/v1/auth/login', 'post', 'requestBody', 'content', 'application/json')['example'] = {
        login: 3,
      }),
    'the example of /paths/~1v1~1auth~1login/post/requestBody/content/application~1json/schema',
  ],
])('an OpenAPI document %s is refused', ([, spoil, problem]) => {
  expect(decodeURIComponent(openApiProblems(spoiled(openapi, spoil)).join('\n'))).toContain(problem);
});

test.for<[what: string, spoil: (draft: Record<string, unknown>) => void, problem: string]>([
  [
    'without operations that do something',
    (draft) => delete at(draft, 'operations', 'receive.rpc.auth.login')['action'],
    'action',
  ],
  [
    'with a queue and an exchange at once',
    (draft) => (at(draft, 'channels', 'rpc.auth.login', 'bindings', 'amqp')['queue'] = {}),
    '/channels/rpc.auth.login',
  ],
  ['with a server that speaks nothing', (draft) => delete at(draft, 'servers', 'broker')['protocol'], 'protocol'],
  [
    'with a message that does not exist',
    (draft) => (at(draft, 'channels', 'queue.auth.rpc', 'messages')['x'] = { $ref: '#/components/messages/x' }),
    '#/components/messages/x leads to nothing',
  ],
  [
    'with an example that does not fit',
    (draft) => (at(draft, 'components', 'messages', 'auth.login')['examples'] = [{ payload: {} }]),
    'the example of /components/messages/auth.login/payload',
  ],
])('an AsyncAPI document %s is refused', ([, spoil, problem]) => {
  expect(asyncApiProblems(spoiled(ofAll, spoil)).join('\n')).toContain(problem);
});
