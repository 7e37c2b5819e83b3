import { expect, test } from 'vitest';
import { judgeEffects } from './judge_effects.ts';
import { OperationHistory } from './operation_history.ts';

function history(): OperationHistory {
  const made = new OperationHistory();
  for (const key of ['done', 'also done', 'refused', 'open', 'open too']) made.begin('create', key, 'player');
  made.tried('done', '504');
  made.end('done', 'ok', { id: 1 });
  made.end('also done', 'ok', { id: 2 });
  made.end('refused', 'refused', undefined);
  return made;
}

const NOTHING = { lost: [], doubled: [], phantoms: [] };

test('A history whose every acknowledged operation has one effect is in order, whatever became of the open ones', () => {
  expect(judgeEffects(history().all, ['done', 'also done'])).toEqual(NOTHING);
  expect(judgeEffects(history().all, ['done', 'also done', 'open'])).toEqual(NOTHING);
});

test('A lost, a doubled and an invented effect are told apart', () => {
  const { all } = history();
  expect(judgeEffects(all, ['done'])).toEqual({ ...NOTHING, lost: ['also done'] });
  expect(judgeEffects(all, ['done', 'also done', 'done'])).toEqual({ ...NOTHING, doubled: ['done'] });
  expect(judgeEffects(all, ['done', 'also done', 'open', 'open'])).toEqual({ ...NOTHING, doubled: ['open'] });
  expect(judgeEffects(all, ['done', 'also done', 'refused', 'never asked'])).toEqual({
    ...NOTHING,
    phantoms: ['refused', 'never asked'],
  });
});

test('A history counts operations by outcome and requests by ending', () => {
  expect(history().counts()).toEqual({ operations: { ok: 2, refused: 1, pending: 2 }, requests: { 504: 1 } });
});

test('A key belongs to one operation', () => {
  const made = history();
  expect(() => made.begin('create', 'done', 'player')).toThrow(/already/);
  expect(() => made.end('unknown', 'ok', undefined)).toThrow(/not in the history/);
});

test('The first success after a moment is found by the time of its end', () => {
  const made = history();
  expect(made.firstOkAfter(0)?.key).toBe('done');
  const at = performance.now();
  expect(made.firstOkAfter(at)).toBeUndefined();
  made.end('open too', 'ok', {});
  expect(made.firstOkAfter(at)?.key).toBe('open too');
});
