import { stripVTControlCharacters } from 'node:util';
import { Match } from '@warren/example-game-server/game';
import { describe, expect, it } from 'vitest';
import {
  FRAME_HEIGHT,
  FRAME_WIDTH,
  keyCommands,
  paint,
  renderFrame,
  type Scene,
  styleFrom,
} from '../src/render/index.ts';

function scene(ticks = 0): Scene {
  const match = new Match({ seed: 77, players: ['ann', 'bob'], ticks: 600 });
  for (let tick = 0; tick < ticks; tick += 1) {
    match.offer(0, { tick, move: 'down', dash: tick === 1 });
    match.advance();
  }
  return { map: match.welcome(0).map, snapshot: match.snapshot(), you: 0, names: ['ann', 'bob'], tickMs: 50 };
}

const PLAIN = { color: false, unicode: false };
const frame = (shown: Scene, style = PLAIN): string => renderFrame(shown, style).join('\n');

describe('a frame', () => {
  it('shows garden, rabbits, carrots, fox, clock and scores in plain ASCII', () => {
    expect(frame(scene())).toMatchInlineSnapshot(`
      "--------------------------------------------  CARROT RUSH
      |                ##      ##                |
      |                ##      ##                |  30.0 s
      |    ##          ##      ##          ##    |
      |##  ##  ####    ##v   v ##    ####  ##  ##|  @ ann              0
      |    ##  ####v     ##  ##    v ####  ##    |  & bob              0
      |@   ##  ##    v     Fz    v     ##  ##  & |
      |        ##        ##  ##        ##        |  dash [==========] ready
      |        ##        ##  ##        ##        |  The fox sleeps.
      |    ##        ######  ######        ##    |
      |    ##                              ##    |
      |    v         ##############        v     |
      --------------------------------------------
      Arrows or WASD: run   Space: dash   X: stop   Q: quit"
    `);
  });

  it('shows the moment after a dash in Unicode', () => {
    expect(frame(scene(4), { color: false, unicode: true })).toMatchInlineSnapshot(`
      "⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀  CARROT RUSH
      ⢸                ⣿⣿      ⣿⣿                ⡇
      ⢸                ⣿⣿      ⣿⣿                ⡇  29.8 s
      ⢸    ⣿⣿          ⣿⣿      ⣿⣿          ⣿⣿    ⡇
      ⢸⣿⣿  ⣿⣿  ⣿⣿⣿⣿    ⣿⣿▾   ▾ ⣿⣿    ⣿⣿⣿⣿  ⣿⣿  ⣿⣿⡇  @ ann              0
      ⢸    ⣿⣿  ⣿⣿⣿⣿▾     ⣿⣿  ⣿⣿    ▾ ⣿⣿⣿⣿  ⣿⣿    ⡇  & bob              0
      ⢸    ⣿⣿  ⣿⣿    ▾     Fz    ▾     ⣿⣿  ⣿⣿  & ⡇
      ⢸        ⣿⣿        ⣿⣿  ⣿⣿        ⣿⣿        ⡇  dash [          ]
      ⢸        ⣿⣿        ⣿⣿  ⣿⣿        ⣿⣿        ⡇  The fox sleeps.
      ⢸    ⣿⣿        ⣿⣿⣿⣿⣿⣿  ⣿⣿⣿⣿⣿⣿        ⣿⣿    ⡇
      ⢸@!  ⣿⣿                              ⣿⣿    ⡇
      ⢸    ▾         ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿        ▾     ⡇
      ⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
      Arrows or WASD: run   Space: dash   X: stop   Q: quit"
    `);
  });

  it('fits 80 x 24 and uses only signs that are one column wide everywhere', () => {
    for (let ticks = 0; ticks < 300; ticks += 7) {
      const lines = renderFrame(
        { ...scene(ticks), names: ['x'.repeat(99), '好'.repeat(99)] },
        { color: false, unicode: true },
      );
      expect(lines.length).toBeLessThanOrEqual(FRAME_HEIGHT);
      for (const line of lines) {
        expect([...line].length).toBeLessThanOrEqual(FRAME_WIDTH);
        expect(line).toMatch(/^[\x20-\x7e\u2800-\u28ff▾✦]*$/u);
      }
    }
  });

  it('has the same text with colours as without', () => {
    const colored = frame(scene(20), { color: true, unicode: false });
    expect(colored).toContain('\x1b[1;36m@');
    expect(stripVTControlCharacters(colored)).toBe(frame(scene(20)));
  });

  it('lets no escape sequence of a name through', () => {
    const text = frame({ ...scene(), names: ['\x1b[2Jevil\n', '\x1b]0;t\x07'] });
    expect(text).not.toContain('\x1b');
    expect(text).toContain('@ ?[2Jevil?');
  });

  it('names the winner at the end', () => {
    const end = scene(801);
    expect(end.snapshot.phase).toBe('over');
    expect(frame(end)).toMatch(/You (win!|lose\.)/);
  });

  it('is painted over the last one: each line is cleared to its end', () => {
    expect(paint(['a', 'b'])).toBe('\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J');
  });
});

describe('the style', () => {
  it.each([
    [
      { LANG: 'en_US.UTF-8', TERM: 'xterm' },
      { color: true, unicode: true },
    ],
    [
      { LANG: 'C', TERM: 'xterm' },
      { color: true, unicode: false },
    ],
    [
      { LANG: 'C.utf8', NO_COLOR: '1' },
      { color: false, unicode: true },
    ],
    [
      { LANG: 'C.UTF-8', NO_COLOR: '' },
      { color: true, unicode: true },
    ],
    [
      { LANG: 'C.UTF-8', TERM: 'dumb' },
      { color: false, unicode: false },
    ],
    [
      { LANG: 'C.UTF-8', LC_ALL: 'POSIX' },
      { color: true, unicode: false },
    ],
  ])('of %j is %j', (env, style) => {
    expect(styleFrom(env)).toEqual(style);
  });
});

describe('the keys', () => {
  it('are arrows in both modes, WASD in both cases, X, space and Q', () => {
    const moves = (text: string): string[] =>
      keyCommands(text).map((command) => (command.kind === 'move' ? command.move : command.kind));
    expect(moves('\x1b[A\x1b[B\x1b[C\x1b[D')).toEqual(['up', 'down', 'right', 'left']);
    expect(moves('\x1bOA\x1bOD')).toEqual(['up', 'left']);
    expect(moves('wasdWx q')).toEqual(['up', 'left', 'down', 'right', 'up', 'stay', 'dash', 'quit']);
    expect(moves('\x03')).toEqual(['quit']);
  });

  it('without a meaning are left out, also unknown sequences that contain letters of the game', () => {
    expect(keyCommands('\x1b[1;5A\x1b[200~zzé')).toEqual([]);
    expect(keyCommands('')).toEqual([]);
  });

  it('are bounded: a pasted text is cut', () => {
    expect(keyCommands('w'.repeat(10_000)).length).toBe(64);
  });
});
