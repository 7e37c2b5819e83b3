import {
  InputGate,
  MAX_OFFENCES,
  Match,
  MIN_TICKS,
  OVERTIME_TICKS,
  type RefusalCode,
} from '@warren/example-game-server/game';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const gate = (): InputGate => new InputGate({ slot: 0, nextTick: 10, maxLeadTicks: 5 });
const codeOf = (answer: ReturnType<InputGate['offer']>): RefusalCode | 'accepted' =>
  answer.ok ? 'accepted' : answer.code;

describe('the input gate', () => {
  it.each([
    ['the next tick', 0, { tick: 10, move: 'up' }, 'accepted'],
    ['the furthest tick allowed', 0, { tick: 15, move: 'up', dash: true, slot: 0 }, 'accepted'],
    ['a tick already simulated', 0, { tick: 9, move: 'up' }, 'INPUT_LATE'],
    ['a tick too far ahead', 0, { tick: 16, move: 'up' }, 'INPUT_TOO_FAR_AHEAD'],
    ['an input sent by the other player', 1, { tick: 10, move: 'up' }, 'INPUT_FOREIGN_SLOT'],
    ['an input that names the other slot', 0, { tick: 10, move: 'up', slot: 1 }, 'INPUT_FOREIGN_SLOT'],
    ['an unknown move', 0, { tick: 10, move: 'fly' }, 'INPUT_ILLEGAL'],
    ['a tick that is no integer', 0, { tick: 10.5, move: 'up' }, 'INPUT_ILLEGAL'],
    ['a negative tick', 0, { tick: -1, move: 'up' }, 'INPUT_ILLEGAL'],
    ['a dash that is no boolean', 0, { tick: 10, move: 'up', dash: 1 }, 'INPUT_ILLEGAL'],
    ['an unknown field', 0, { tick: 10, move: 'up', score: 99 }, 'INPUT_ILLEGAL'],
    ['a prototype trick', 0, JSON.parse('{"tick":10,"move":"up","__proto__":{"x":1}}'), 'INPUT_ILLEGAL'],
    ['no object', 0, 'up', 'INPUT_ILLEGAL'],
  ] as const)('answers %s (sender %i)', (_what, sender, raw, expected) => {
    expect(codeOf(gate().offer(sender, raw))).toBe(expected);
  });

  it('accepts one input per tick, keeps the first, and tells the next tick with a refusal', () => {
    const own = gate();
    own.offer(0, { tick: 10, move: 'up' });
    expect(own.offer(0, { tick: 10, move: 'down' })).toEqual({
      ok: false,
      code: 'INPUT_DUPLICATE',
      tick: 10,
      nextTick: 10,
    });
    expect(own.take()).toEqual({ move: 'up', dash: false });
    expect(own.take()).toBeUndefined();
    expect(codeOf(own.offer(0, { tick: 11, move: 'up' }))).toBe('INPUT_LATE');
  });

  it('never holds more than the lead allows, whatever is sent', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 200 }), (ticks) => {
        const own = gate();
        for (const tick of ticks) own.offer(0, { tick, move: 'left' });
        expect(own.waiting).toBeLessThanOrEqual(6);
      }),
    );
  });

  it('calls a client abusive after many illegal or foreign inputs, but not after late ones', () => {
    const own = gate();
    for (let i = 0; i < MAX_OFFENCES * 3; i += 1) own.offer(0, { tick: 1, move: 'up' });
    expect(own.abusive).toBe(false);
    for (let i = 0; i < MAX_OFFENCES; i += 1) own.offer(0, { tick: 'x' });
    expect(own.abusive).toBe(true);
  });

  it('never throws for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (raw) => {
        expect(codeOf(gate().offer(0, raw))).toMatch(/^(accepted|INPUT_[A-Z_]+)$/);
      }),
    );
  });
});

describe('a match', () => {
  it('refuses inputs after its end and no refused input reaches its log', () => {
    const match = new Match({ seed: 5, players: ['ann', 'bob'], ticks: MIN_TICKS });
    match.offer(0, { tick: 0, move: 'fly' });
    match.offer(1, { tick: 0, move: 'up', slot: 0 });
    match.advance();
    match.offer(0, { tick: 0, move: 'up' });
    match.offer(0, { tick: 1, move: 'down' });
    for (let tick = 1; tick < MIN_TICKS + OVERTIME_TICKS; tick += 1) match.advance();
    expect(match.over).toBe(true);
    expect(match.log()?.inputs).toEqual([[0, 1, 2, 0]]);
    expect(match.inputCounts).toEqual([1, 0]);
    expect(codeOf(match.offer(1, { tick: 400, move: 'up' }))).toBe('INPUT_GAME_OVER');
    expect(match.advance()).toEqual([]);
  });

  it('knows its players by id and no stranger', () => {
    const match = new Match({ seed: 5, players: ['ann', 'bob'], ticks: MIN_TICKS });
    expect([match.slotOf('ann'), match.slotOf('bob'), match.slotOf('eve')]).toEqual([0, 1, undefined]);
  });
});
