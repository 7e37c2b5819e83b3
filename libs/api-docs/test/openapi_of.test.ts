import { CONTRACTS, type Contract, CREATE_TICKET, defineContract, JwksReply } from '@warren/contracts';
import { strictDto } from '@warren/http';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { type DocumentedRoute, openApiOf } from '../src/index.ts';

const INFO = { title: 'T', version: '1', description: 'D' };
const document = openApiOf(INFO, CONTRACTS, []);
const routed = CONTRACTS.filter((contract) => contract.exposure === 'public' && contract.http !== undefined);

const Media = z.object({ example: z.unknown() });
const Operation = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.string(), example: z.unknown() })).default([]),
  requestBody: z.object({ content: z.object({ 'application/json': Media }) }).optional(),
  responses: z.record(z.string(), z.object({ content: z.record(z.string(), z.looseObject({})) })),
});

function operationOf({ http }: Contract): z.output<typeof Operation> {
  return Operation.parse(document.paths[http?.path ?? '']?.[http?.method.toLowerCase() ?? '']);
}

test('OpenAPI lists every public route and none that is internal', () => {
  const found = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(found.sort()).toEqual(routed.map(({ http }) => `${http?.method.toLowerCase()} ${http?.path}`).sort());
  expect(JSON.stringify(document)).not.toContain('validate_token');
});

test('The order of the contracts does not change the document', () => {
  expect(JSON.stringify(openApiOf(INFO, CONTRACTS.toReversed(), []))).toBe(JSON.stringify(document));
});

test('An operation says who may call it, what it takes and every way in which it ends', () => {
  const { paths } = document;
  expect(paths['/v1/tickets']?.['post']).toMatchObject({
    operationId: 'coordinator_create_ticket',
    security: [{ player: [] }],
    'x-rate-limit-per-minute': CREATE_TICKET.limits.ratePerMinute,
    'x-max-body-bytes': CREATE_TICKET.limits.maxBytes,
    'x-idempotency': 'inbox',
    'x-websocket-type': 'ticket.create',
  });
  expect(paths['/v1/auth/login']?.['post']).toMatchObject({ security: [] });
  expect(paths['/v1/auth/register']?.['post']).toMatchObject({
    parameters: [
      { name: 'Idempotency-Key', required: true },
      { name: 'Warren-Device-Nonce', required: true },
    ],
    requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/RegisterDto' } } } },
    responses: {
      201: { content: { 'application/json': { schema: { $ref: '#/components/schemas/AccountReply' } } } },
      409: { content: { 'application/problem+json': { examples: { AUTH_LOGIN_TAKEN: {} } } } },
      429: { headers: { 'Retry-After': {} } },
    },
  });
  expect(paths['/v1/matches/{game_id}']?.['get']).toMatchObject({
    parameters: [{ name: 'game_id', in: 'path', required: true, schema: { $ref: '#/components/schemas/IdField' } }],
  });
});

test('A request takes only the fields that are listed, a reply may get more', () => {
  const schemas = z.object({ schemas: z.record(z.string(), z.looseObject({})) }).parse(document.components).schemas;
  expect(schemas['RegisterDto']).toMatchObject({
    additionalProperties: false,
    required: ['login', 'password', 'display_name'],
  });
  expect(schemas['AccountReply']).not.toHaveProperty('additionalProperties');
});

test.for(routed.map((contract) => [contract.name, contract] as const))(
  'the example of %s is a request that the gateway takes and a reply that a client takes',
  ([, contract]) => {
    const { parameters, requestBody, responses } = operationOf(contract);
    const fields = parameters.filter((parameter) => parameter.in !== 'header');
    const body = z.record(z.string(), z.unknown()).parse(requestBody?.content['application/json'].example ?? {});
    const input = { ...Object.fromEntries(fields.map(({ name, example }) => [name, example])), ...body };
    expect(strictDto(contract).safeParse(input).error?.issues).toBeUndefined();
    const reply = Media.parse(responses[String(contract.http?.status)]?.content['application/json']).example;
    expect(contract.reply.safeParse(reply).error?.issues).toBeUndefined();
  },
);

test('Every error code of an operation has an example with its status', () => {
  const examples = z
    .object({ examples: z.record(z.string(), z.object({ value: z.object({ code: z.string(), status: z.int() }) })) })
    .parse(document.components).examples;
  for (const contract of routed) {
    for (const code of Object.keys(contract.errors)) {
      const { status } = z.object({ status: z.int() }).parse(examples[code]?.value);
      const media = operationOf(contract).responses[String(status)]?.content['application/problem+json'];
      expect(media, `${contract.name} ${code}`).toMatchObject({
        examples: { [code]: { $ref: `#/components/examples/${code}` } },
      });
    }
  }
});

test('A route of the gateway itself stands beside the commands, with its rate', () => {
  const route: DocumentedRoute = {
    method: 'GET',
    path: '/.well-known/jwks.json',
    status: 200,
    summary: 'Keys.',
    operationId: 'gateway_get_jwks',
    tag: 'gateway',
    access: 'player_or_server',
    ratePerMinute: 7,
    reply: JwksReply,
    errors: {},
  };
  expect(openApiOf(INFO, [], [route]).paths[route.path]?.['get']).toMatchObject({
    operationId: 'gateway_get_jwks',
    security: [{ player: [] }, { server: [] }],
    'x-rate-limit-per-minute': 7,
  });
});

test('A command for some roles names them', () => {
  const admin = defineContract({ ...CREATE_TICKET, access: { kind: 'player', roles: ['admin'] } });
  expect(openApiOf(INFO, [admin], []).paths['/v1/tickets']?.['post']).toMatchObject({
    security: [{ player: ['admin'] }],
  });
});

test('A schema without a name of its own is named after its command', () => {
  const nameless = defineContract({ ...CREATE_TICKET, reply: z.object({ n: z.int() }) });
  expect(openApiOf(INFO, [nameless], []).components).toHaveProperty('schemas.CoordinatorCreateTicketReply');
});
