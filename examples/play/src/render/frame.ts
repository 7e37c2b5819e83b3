import type { GameEvent, GardenMap, RabbitSight, Slot, SnapshotFrame } from '@warren/example-game-server/game';
import { otherSlot } from '@warren/example-game-server/game';
import type { Style, Tint } from './style.ts';
import { safeName, tint } from './style.ts';

/** Everything a frame shows. */
export interface Scene {
  map: GardenMap;
  snapshot: SnapshotFrame;
  you: Slot;
  /** Display names by slot; they may be anything. */
  names: readonly [string, string];
  tickMs: number;
}

/** A frame never needs a larger terminal. */
export const FRAME_WIDTH = 80;
export const FRAME_HEIGHT = 24;

const NAME_WIDTH = 16;
const METER_WIDTH = 10;
const DASH_REST_TICKS = 50;

/**
 * Two columns per cell. All signs are one column wide in every locale: block and box drawing characters are not
 * (East Asian terminals draw many of them two wide), Braille and the chosen dingbats are.
 */
const UNICODE = { hedge: '⣿⣿', ripe: '▾ ', gold: '✦3', sprout: ', ', top: '⣀', side: ['⢸', '⡇'], bottom: '⠉' } as const;
const ASCII = { hedge: '##', ripe: 'v ', gold: '*3', sprout: ', ', top: '-', side: ['|', '|'], bottom: '-' } as const;

const ARROWS: Record<RabbitSight['heading'], string> = { stay: ' ', up: '^', down: 'v', left: '<', right: '>' };

type Sign = readonly [text: string, tint: Tint];

function rabbitSign(rabbit: RabbitSight, own: boolean): Sign {
  const body = own ? '@' : '&';
  const mood = rabbit.stunned_for > 0 ? 'x' : rabbit.dashing ? '!' : ARROWS[rabbit.heading];
  return [body + mood, own ? 'you' : 'rival'];
}

function carrotSign(points: number, ripeIn: number, style: Style): Sign {
  const set = style.unicode ? UNICODE : ASCII;
  if (ripeIn > 0) return [set.sprout, points > 1 ? 'gold' : 'dim'];
  return points > 1 ? [set.gold, 'gold'] : [set.ripe, 'carrot'];
}

/** A sleeping fox is harmless and must not hide a rabbit on its den; an awake one is shown before all else. */
function foxSign({ snapshot }: Scene): Sign | undefined {
  const { fox, rabbits } = snapshot;
  if (fox.awake) return ['F!', 'fox'];
  return rabbits.some(({ x, y }) => x === fox.x && y === fox.y) ? undefined : ['Fz', 'dim'];
}

/** What stands in each cell; what is set later covers what was set before. */
function signs(scene: Scene, style: Style): Map<number, Sign> {
  const { map, snapshot, you } = scene;
  const hedge: Sign = [(style.unicode ? UNICODE : ASCII).hedge, 'hedge'];
  const at = (x: number, y: number): number => y * map.width + x;
  const shown = new Map<number, Sign>();
  for (const [cell, sign] of [...map.rows.join('')].entries()) if (sign === '#') shown.set(cell, hedge);
  for (const [x, y, points, ripeIn] of snapshot.carrots) shown.set(at(x, y), carrotSign(points, ripeIn, style));
  for (const slot of [otherSlot(you), you] as const) {
    const rabbit = snapshot.rabbits[slot];
    shown.set(at(rabbit.x, rabbit.y), rabbitSign(rabbit, slot === you));
  }
  const fox = foxSign(scene);
  if (fox !== undefined) shown.set(at(snapshot.fox.x, snapshot.fox.y), fox);
  return shown;
}

function gardenLines(scene: Scene, style: Style): string[] {
  const { width, height } = scene.map;
  const set = style.unicode ? UNICODE : ASCII;
  const shown = signs(scene, style);
  const rows = Array.from({ length: height }, (_, y) => {
    const cells = Array.from({ length: width }, (__, x) => {
      const sign = shown.get(y * width + x);
      return sign === undefined ? '  ' : tint(style, sign[1], sign[0]);
    });
    return tint(style, 'dim', set.side[0]) + cells.join('') + tint(style, 'dim', set.side[1]);
  });
  const edge = (line: string): string => tint(style, 'dim', line.repeat(width * 2 + 2));
  return [edge(set.top), ...rows, edge(set.bottom)];
}

function dashMeter(dashIn: number): string {
  const rested = Math.max(0, DASH_REST_TICKS - dashIn);
  const filled = Math.trunc((rested * METER_WIDTH) / DASH_REST_TICKS);
  return `dash [${'='.repeat(filled)}${' '.repeat(METER_WIDTH - filled)}]${dashIn === 0 ? ' ready' : ''}`;
}

function scoreLine({ snapshot, you, names }: Scene, slot: Slot, style: Style): string {
  const own = slot === you;
  const name = safeName(names[slot], NAME_WIDTH).padEnd(NAME_WIDTH);
  return tint(style, own ? 'you' : 'rival', `${own ? '@' : '&'} ${name} ${snapshot.rabbits[slot].score}`);
}

function foxLine({ snapshot, you }: Scene): string {
  const { awake, target } = snapshot.fox;
  if (!awake) return 'The fox sleeps.';
  if (target === null) return 'The fox is awake.';
  return target === you ? 'THE FOX HUNTS YOU!' : 'The fox hunts your rival.';
}

function sentence(event: GameEvent, you: Slot): string {
  if (event.type === 'golden') return 'A golden carrot sprouts!';
  if (event.type === 'overtime') return 'Overtime: the first lead wins.';
  if (event.type === 'over') return event.winner === you ? 'You win!' : 'You lose.';
  const who = event.slot === you ? 'You' : 'Rival';
  if (event.type === 'collect') return `${who} +${event.points}`;
  if (event.type === 'dash') return `${who} dashed.`;
  return `${who} -${event.lost}: ${event.type === 'bump' ? 'bumped' : 'bitten'}!`;
}

function panelLines(scene: Scene, style: Style): string[] {
  const { snapshot, you, tickMs } = scene;
  const tenths = Math.trunc((snapshot.ticks_left * tickMs) / 100);
  const time = `${Math.trunc(tenths / 10)}.${tenths % 10} s`;
  const clock = { play: time, overtime: `OVERTIME ${time}`, over: 'Over.' }[snapshot.phase];
  return [
    tint(style, 'strong', 'CARROT RUSH'),
    '',
    clock,
    '',
    scoreLine(scene, you, style),
    scoreLine(scene, otherSlot(you), style),
    '',
    dashMeter(snapshot.rabbits[you].dash_in),
    foxLine(scene),
    '',
    ...snapshot.events.slice(-3).map((event) => sentence(event, you)),
  ];
}

/** One moment of the game as lines without cursor movements: at most 80 x 24, pure, the same for the same scene. */
export function renderFrame(scene: Scene, style: Style): string[] {
  const panel = panelLines(scene, style);
  const body = gardenLines(scene, style).map((line, i) => {
    const side = panel[i] ?? '';
    return side === '' ? line : `${line}  ${side}`;
  });
  const help = 'Arrows or WASD: run   Space: dash   X: stop   Q: quit';
  return [...body, tint(style, 'dim', help)];
}

/** Puts a terminal into the game's screen and back. */
export const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l\x1b[2J';
export const LEAVE_SCREEN = '\x1b[?25h\x1b[?1049l';

/** The bytes that draw a frame over the previous one without flicker. */
export function paint(lines: readonly string[]): string {
  return `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`;
}
