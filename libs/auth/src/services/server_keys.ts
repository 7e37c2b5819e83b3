import { AppError, newId, newSecret } from '@warren/kernel';
import type { Database } from '@warren/postgres';
import { ServerKeyRepository } from '../repositories/server_key_repository.ts';
import { hashSecret } from './refresh_secret.ts';

const KEY_PREFIX = 'wsk_';
const MIN_KEY_CHARS = 20;
const MAX_KEY_CHARS = 256;
const MAX_NAME_CHARS = 64;

const invalid = (message: string): AppError => new AppError('REQUEST_INVALID', message, { kind: 'invalid' });

function checkName(name: string): void {
  if (name.trim() === '' || name.length > MAX_NAME_CHARS)
    throw invalid(`The name of a server key has 1 to ${MAX_NAME_CHARS} characters.`);
}

/** Makes a fleet key for game servers. It is returned this once; only its hash is stored. @throws AppError REQUEST_INVALID */
export async function createServerKey(database: Database, name: string): Promise<string> {
  checkName(name);
  const key = `${KEY_PREFIX}${newSecret()}`;
  await database.transaction((tx) =>
    new ServerKeyRepository().create(tx, { id: newId(), name, hash: hashSecret(key) }),
  );
  return key;
}

/**
 * Makes sure that a given fleet key (WARREN_SERVER_KEY) works. Resolves to true when it was added now.
 * @throws AppError REQUEST_INVALID for a key that is too short or was revoked
 */
export async function ensureServerKey(database: Database, name: string, key: string): Promise<boolean> {
  checkName(name);
  if (key.length < MIN_KEY_CHARS || key.length > MAX_KEY_CHARS) {
    throw invalid(`A server key has ${MIN_KEY_CHARS} to ${MAX_KEY_CHARS} characters.`);
  }
  const keys = new ServerKeyRepository();
  const hash = hashSecret(key);
  return database.transaction(async (tx) => {
    const added = await keys.create(tx, { id: newId(), name, hash });
    const stored = added ? undefined : await keys.find(tx, hash);
    if (stored?.revoked === true) throw invalid('This server key was revoked. Make a new one.');
    return added;
  });
}
