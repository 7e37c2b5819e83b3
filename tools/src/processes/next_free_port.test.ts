import { expect, test } from 'vitest';
import { PortChooser } from './next_free_port.ts';

const chooser = (...taken: number[]) => new PortChooser(async (port) => !taken.includes(port));

test.each([
  [8080, [], 8080],
  [8080, [8080], 8081],
  [8080, [8080, 8081, 8083], 8082],
  [65_535, [], 65_535],
])('Port %i with %j taken gives %i', async (preferred, taken, expected) => {
  expect(await chooser(...taken).choose(preferred)).toBe(expected);
});

test('No port is handed out twice', async () => {
  const ports = chooser(9101);
  expect([await ports.choose(9100), await ports.choose(9100), await ports.choose(9101)]).toEqual([9100, 9102, 9103]);
});

test('A search that finds nothing ends in a sentence with the range', async () => {
  await expect(new PortChooser(async () => false).choose(65_530)).rejects.toThrow(
    'No port from 65530 to 65535 is free.',
  );
});
