import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { TokenSigner, TokenVerifier } from '@warren/tokens';
import { beforeEach, describe, expect, it } from 'vitest';
import { JoinDesk } from '../src/join_desk.ts';

const ISSUER = 'warren-test';
const GAME = '7d1f6b7e-2b3c-4f5a-8a9b-0c1d2e3f4a5b';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
const keys = [{ kty: 'EC', crv: 'P-256', x, y, kid: 'k1', alg: 'ES256', use: 'sig' } as const];

let now: number;
let down: boolean;
let desk: JoinDesk;
const clock = { now: () => now, monotonicMs: () => now, sleep: () => Promise.resolve(), after: () => () => {} };
const signer = new TokenSigner({ issuer: ISSUER, clock });

const ticketFor = (instanceId = 'eu-1', seconds = 60): string =>
  signer.signJoinTicket({ kid: 'k1', privateKey }, { sub: randomUUID(), game_id: GAME, slot: 1, instanceId }, seconds)
    .token;
const open = (): boolean => true;
const refused = { code: 'JOIN_TICKET_REFUSED', retryable: false };

beforeEach(() => {
  now = Date.now();
  down = false;
  const fetchKeys = (): Promise<{ keys: typeof keys }> =>
    down ? Promise.reject(new Error('down')) : Promise.resolve({ keys });
  desk = new JoinDesk(new TokenVerifier({ source: { fetchKeys }, issuer: ISSUER, clock }), 'eu-1');
});

describe('the join desk', () => {
  it('admits a ticket once, also when it comes twice at the same moment', async () => {
    const ticket = ticketFor();
    const ends = await Promise.allSettled([
      desk.admit(ticket, open),
      desk.admit(ticket, open),
      desk.admit(ticket, open),
    ]);
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await expect(desk.admit(ticket, open)).rejects.toMatchObject(refused);
  });

  it('refuses tickets of other servers, ended ones and text that is none', async () => {
    await expect(desk.admit(ticketFor('eu-2'), open)).rejects.toMatchObject(refused);
    const ticket = ticketFor('eu-1', 10);
    now += 16_000;
    await expect(desk.admit(ticket, open)).rejects.toMatchObject(refused);
    for (const text of ['', 'x', 'a.b.c']) await expect(desk.admit(text, open)).rejects.toMatchObject(refused);
  });

  it('leaves the ticket of a player who is too early unused', async () => {
    const ticket = ticketFor();
    await expect(desk.admit(ticket, () => false)).rejects.toMatchObject(refused);
    await expect(desk.admit(ticket, open)).resolves.toMatchObject({ game_id: GAME, slot: 1 });
  });

  it('says that nothing is known while the keys cannot be had', async () => {
    down = true;
    const ticket = ticketFor();
    await expect(desk.admit(ticket, open)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
    down = false;
    now += 3_000;
    await expect(desk.admit(ticket, open)).resolves.toMatchObject({ slot: 1 });
  });
});
