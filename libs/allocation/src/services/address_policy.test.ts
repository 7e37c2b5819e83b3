import { expect, test } from 'vitest';
import { AddressPolicy, DEVELOPMENT_ADDRESSES } from './address_policy.ts';

const development = new AddressPolicy(DEVELOPMENT_ADDRESSES);
const everything = new AddressPolicy([
  '0.0.0.0/0',
  '::/0',
  'game.example.org',
  '*.games.example.org',
  'metadata.google.internal',
]);

test.each([
  'ws://127.0.0.1:7350/',
  'ws://localhost:7350',
  'wss://10.1.2.3:443/x',
  'ws://172.20.0.4:1',
  'ws://192.168.0.9:7350',
  'ws://[::1]:7350',
  'ws://[fd12::1]:1',
])('outside of production %s is allowed', (address) => {
  expect(development.allows(address)).toBe(true);
});

test.each([
  'ws://8.8.8.8:1',
  'wss://example.org',
  'ws://localhost.example.org',
  'ws://172.32.0.1:1',
  'ws://[2001:db8::1]:1',
  'ws://127.0.0.1.example.org:1',
])('outside of production %s is refused', (address) => {
  expect(development.allows(address)).toBe(false);
});

test.each([
  'ws://169.254.169.254/latest',
  'ws://0xa9fea9fe/',
  'ws://2852039166/',
  'ws://[::ffff:169.254.169.254]/',
  'ws://[fe80::1]/',
  'ws://[fd00:ec2::254]/',
  'ws://0.0.0.0:1',
  'ws://[::]:1',
  'ws://224.0.0.1:1',
  'ws://255.255.255.255:1',
  'ws://100.100.100.200:1',
  'ws://metadata.google.internal/',
  'ws://METADATA.google.internal./',
])('%s is refused even when everything is allowed', (address) => {
  expect(everything.allows(address)).toBe(false);
});

test.each(['http://127.0.0.1', 'file:///etc/passwd', 'ws://user:pass@127.0.0.1:1', 'ws://127.0.0.1:0', 'nonsense', ''])(
  '%j is no address for players',
  (address) => {
    expect(everything.allows(address)).toBe(false);
  },
);

test.each([
  'ws://127.0.0.1\\@evil.example:1/',
  'ws://127.0.0.1:1/\\@evil.example',
  'ws:\\\\127.0.0.1\\x',
  'ws:127.0.0.1:1',
  'ws:///127.0.0.1:1',
  'ws://127.0.0.1:1\t2',
  ' ws://127.0.0.1:1',
  'ws://127.1:1',
  'ws://0177.0.0.1:1',
  'ws://0x7f.0.0.1:1',
  'ws://１２７.0.0.1:1',
  'ws://127.0.0.1#@evil.example/',
  'ws://@127.0.0.1:1',
  'ws://127.0.0.1:1/\u202e',
])('%j is refused, because not every client reads the same host in it', (address) => {
  expect(development.allows(address)).toBe(false);
  expect(everything.allows(address)).toBe(false);
});

test('names pass only when a pattern names them', () => {
  expect(everything.allows('wss://game.example.org/a')).toBe(true);
  expect(everything.allows('wss://eu-1.games.example.org')).toBe(true);
  expect(everything.allows('wss://games.example.org')).toBe(false);
  expect(everything.allows('wss://evilgames.example.org')).toBe(false);
  expect(everything.allows('wss://game.example.org.evil.com')).toBe(false);
});

test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'a b', '*', 'http://x', '::1/129'])(
  'the entry %j is refused at start',
  (entry) => {
    expect(() => new AddressPolicy([entry])).toThrow(/ALLOCATOR_ALLOWED_ADDRESSES/);
  },
);
