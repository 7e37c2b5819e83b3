import { AppError, silentLogger } from '@warren/kernel';
import type { Delivery, RpcReplier, RpcReply } from '@warren/rabbit';
import { describe, expect, test } from 'vitest';
import { ListenerTask } from './listener_task.ts';
import { type Outcome, outcomeOfError } from './outcome.ts';
import { RpcEndings } from './rpc_endings.ts';

const error = new AppError('X_FACT', 'x', { kind: 'conflict' });

test.each<[string, unknown, Outcome['kind']]>([
  ['a refusal', error, 'refused'],
  ['a failure that may pass', new AppError('X', 'x', { kind: 'unavailable', retryable: true }), 'retry'],
  ['a parallel duplicate', new AppError('REQUEST_IN_PROGRESS', 'x', { kind: 'conflict', retryable: true }), 'busy'],
  ['a defect of ours', new AppError('X', 'x', { kind: 'internal' }), 'broken'],
  ['any other throw', new TypeError('x'), 'broken'],
  ['a thrown string', 'x', 'broken'],
])('%s ends as it should', (_what, cause, kind) => {
  expect(outcomeOfError(cause).kind).toBe(kind);
});

describe('an RPC', () => {
  function end(outcome: Outcome): { acks: number; replies: RpcReply[] } {
    const result = { acks: 0, replies: [] as RpcReply[] };
    const replier: Pick<RpcReplier, 'reply'> = {
      reply: (_delivery, reply) => void (JSON.stringify(reply), result.replies.push(reply)),
    };
    const delivery = { ack: () => result.acks++ } as unknown as Delivery;
    new RpcEndings({ replier, logger: silentLogger() }).end(new ListenerTask(delivery, 0), outcome);
    return result;
  }

  test.each<[Outcome, boolean | undefined]>([
    [{ kind: 'done', value: { a: 1 } }, true],
    [{ kind: 'done', value: 1n }, false],
    [{ kind: 'refused', error }, false],
    [{ kind: 'retry', error }, false],
    [{ kind: 'busy', error }, false],
    [{ kind: 'broken', error }, false],
    [{ kind: 'handed_back' }, false],
    [{ kind: 'expired' }, undefined],
  ])('with the outcome %o is acked once and answered at most once', (outcome, ok) => {
    const { acks, replies } = end(outcome);
    expect(acks).toBe(1);
    expect(replies.map((reply) => reply.ok)).toEqual(ok === undefined ? [] : [ok]);
  });
});
