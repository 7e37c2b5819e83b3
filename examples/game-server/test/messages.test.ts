import { Match, MIN_TICKS, parseClientMessage, ServerMessage } from '@warren/example-game-server/game';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { playOut, randomPlayer } from './play_out.ts';

const overTheWire = (message: unknown): unknown => JSON.parse(JSON.stringify(message));

describe('the protocol of the game', () => {
  it.each([
    ['{"type":"join","ticket":"t"}', { ok: true, message: { type: 'join', ticket: 't' } }],
    ['{"type":"input","tick":3,"move":"up"}', { ok: true, message: { type: 'input', tick: 3, move: 'up' } }],
    ['{"type":"input","tick":3,"move":"fly"}', { ok: false, code: 'INPUT_ILLEGAL' }],
    ['{"type":"join"}', { ok: false, code: 'MESSAGE_ILLEGAL' }],
    ['{"type":"cheat"}', { ok: false, code: 'MESSAGE_ILLEGAL' }],
    ['[]', { ok: false, code: 'MESSAGE_ILLEGAL' }],
    ['{"type":', { ok: false, code: 'MESSAGE_NOT_JSON' }],
    [`{"type":"join","ticket":"${'x'.repeat(5000)}"}`, { ok: false, code: 'MESSAGE_TOO_BIG' }],
  ])('reads the client message %.40s', (text, expected) => {
    expect(parseClientMessage(text)).toEqual(expected);
  });

  it('never throws for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof parseClientMessage(text).ok).toBe('boolean');
      }),
    );
  });

  it('sends welcome, snapshots and the end in the shapes of its schemas, small enough for one packet', () => {
    const match = new Match({ seed: 77, players: ['ann', 'bob'], ticks: MIN_TICKS });
    expect(ServerMessage.parse(overTheWire(match.welcome(1)))).toEqual(match.welcome(1));
    while (!match.over) {
      match.advance();
      const frame = match.snapshot();
      expect(ServerMessage.parse(overTheWire(frame))).toEqual(frame);
      expect(JSON.stringify(frame).length).toBeLessThan(1400);
    }
    const over = match.overMessage();
    expect(ServerMessage.parse(overTheWire(over))).toEqual(over);
    expect(over?.hash).toBe(match.log()?.final_hash);
  });

  it('tells in its snapshot what a bot and a screen need, and nothing of the seed', () => {
    const match = playOut(123456789, [randomPlayer(1), randomPlayer(2)]);
    const text = JSON.stringify([match.welcome(0), match.snapshot()]);
    expect(text).not.toContain('123456789');
    expect(text).not.toContain('rng');
  });
});
