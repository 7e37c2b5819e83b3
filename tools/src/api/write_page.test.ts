import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CONTRACTS } from '@warren/contracts';
import { expect, test } from 'vitest';
import { writePage } from './write_page.ts';

test('the page of all messages is one file with every command, that needs nothing beside it', () => {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-page-'));
  try {
    const text = fs.readFileSync(writePage(path.join(place, 'new')), 'utf8');
    for (const { name } of CONTRACTS) expect(text).toContain(name);
    expect(text).toContain('warren.rpc');
    expect(text.match(/<script|<link|src=/g)).toBeNull();
  } finally {
    fs.rmSync(place, { recursive: true, force: true });
  }
});
