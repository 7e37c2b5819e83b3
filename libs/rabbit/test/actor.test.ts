import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Actor, decodeActor, encodeActor, userOf } from '../src/index.ts';

describe('actor headers', () => {
  const actors: Actor[] = [
    { kind: 'anonymous' },
    { kind: 'server', id: 'srv-1' },
    { kind: 'service', id: 'coordinator' },
    { kind: 'player', id: '7d9f', roles: [] },
    { kind: 'player', id: '7d9f', sessionId: 's-1', roles: ['admin', 'support_2'] },
  ];

  it.each(actors)('come back as they were written: $kind', (actor) => {
    expect(decodeActor(encodeActor(actor), 'gateway')).toEqual(actor);
  });

  it('mean the sender itself when they are absent', () => {
    expect(decodeActor(undefined, 'auth')).toEqual({ kind: 'service', id: 'auth' });
    expect(decodeActor({ 'warren-attempt': 1 }, 'auth')).toEqual({ kind: 'service', id: 'auth' });
  });

  it.each([
    { 'warren-actor': '' },
    { 'warren-actor': 'player' },
    { 'warren-actor': 'player:' },
    { 'warren-actor': 'player:a b' },
    { 'warren-actor': 'admin:x' },
    { 'warren-actor': 'anonymous:x' },
    { 'warren-actor': 7 },
    { 'warren-actor': 'server:x', 'warren-roles': 'admin' },
    { 'warren-actor': 'service:x', 'warren-session': 's' },
    { 'warren-actor': 'player:x', 'warren-roles': '' },
    { 'warren-actor': 'player:x', 'warren-roles': 'a,,b' },
    { 'warren-actor': 'player:x', 'warren-roles': 'Admin' },
    { 'warren-actor': 'player:x', 'warren-session': '' },
    { 'warren-session': 's' },
    { 'warren-roles': 'admin' },
  ])('are refused when they are not exactly what we write: %j', (headers) => {
    expect(decodeActor(headers, 'gateway')).toBeUndefined();
  });

  it('never throw and never grant more than they say, whatever arrives', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.constant(undefined),
      fc.constantFrom('player:a', 'admin', 'anonymous'),
    );
    fc.assert(
      fc.property(value, value, value, (actor, session, roles) => {
        const decoded = decodeActor(
          { 'warren-actor': actor, 'warren-session': session, 'warren-roles': roles },
          'gateway',
        );
        if (decoded?.kind === 'player') expect(encodeActor(decoded)['warren-actor']).toBe(actor);
      }),
    );
  });

  it('cannot be written from ids that would not be read back', () => {
    expect(() => encodeActor({ kind: 'player', id: 'a:b,c', roles: [] })).toThrow(TypeError);
    expect(() => encodeActor({ kind: 'player', id: 'a', roles: ['x,y'] })).toThrow(TypeError);
  });
});

describe('the identity in a broker URL', () => {
  it('is the service at the end of the user name', () => {
    expect(userOf('amqp://w1a2b3-auth:x@h/v')).toEqual({
      user: 'w1a2b3-auth',
      userPrefix: 'w1a2b3-',
      prefix: 'auth',
      singleUser: false,
    });
    expect(userOf('amqp://gateway:x@h/v', 'gateway')).toEqual({
      user: 'gateway',
      userPrefix: '',
      prefix: 'gateway',
      singleUser: false,
    });
    expect(userOf('amqp://w%2Dops:x@h')).toMatchObject({ user: 'w-ops', userPrefix: 'w-', prefix: 'ops' });
  });

  it('is single-user mode for any other name', () => {
    expect(userOf('amqp://guest:guest@h/v', 'auth')).toEqual({
      user: 'guest',
      userPrefix: '',
      prefix: 'auth',
      singleUser: true,
    });
    expect(userOf('amqp://h/v')).toEqual({ user: 'guest', userPrefix: '', prefix: '', singleUser: true });
    expect(userOf('amqp://gateway:x@h/v', 'auth').singleUser).toBe(true);
  });
});
