import { defineContract } from '@warren/contracts';
import * as z from 'zod';

/** The shape of `allocator.assign_game`, without its rule: the measure is the way there and back. */
export const BENCH_ASSIGN = defineContract({
  name: 'allocator.assign_game',
  summary: 'Answers at once.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['rpc'],
  dto: z.object({
    game_id: z.uuid(),
    settings: z.object({ resource_level: z.enum(['low', 'high']).default('low'), mode: z.string().min(1).max(64) }),
    players: z.array(z.uuid()).min(1).max(16),
  }),
  reply: z.object({
    success: z.literal(true),
    instance_id: z.string().max(64),
    address: z.string().max(255),
    lease_id: z.uuid(),
    expires_at: z.iso.datetime(),
  }),
  errors: {},
  idempotency: 'read',
  deadlineMs: 10_000,
});

/** The same body for both sides. */
export const REQUEST = {
  game_id: '0d1f6f3e-6b0b-4c43-9f0a-3a5a0c3d8a11',
  settings: { resource_level: 'low' as const, mode: 'duel' },
  players: ['5c1cb0f1-9d6e-4c8d-8a54-5d3e2f4f1b22', '9b3a7f02-2f43-4c4c-b6a1-0b1a5e2c7d33'],
};

export const REPLY = {
  success: true as const,
  instance_id: 'eu-west-17',
  address: 'wss://203.0.113.17:7350',
  lease_id: 'b7a1b2c3-d4e5-4f60-8a7b-9c0d1e2f3a44',
  expires_at: '2026-01-01T00:01:00.000Z',
};

/** The same body as durable work: nobody waits for an answer. */
export const BENCH_WORK = defineContract({
  name: 'allocator.do_work',
  summary: 'Works for a while.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['command'],
  dto: BENCH_ASSIGN.dto,
  reply: z.object({}),
  errors: {},
  idempotency: 'read',
});

/** A message of it as the outbox relay would send it. */
export const WORK_PROPERTIES = {
  contentType: 'application/json',
  messageId: '4f1c0f0e-53a4-4f5e-8a38-3a2f5d9a7c11',
  type: `${BENCH_WORK.name}@${BENCH_WORK.version}`,
  appId: 'coordinator',
  headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'warren-attempt': 1 },
};
