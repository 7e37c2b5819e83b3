import type { Clone } from '../clone/clone.ts';
import { ensureSecrets } from '../env/secrets.ts';
import { say } from '../output.ts';

/** `npm run env`: writes missing secrets into `.env`, and nothing else. */
export async function env(clone: Clone): Promise<number> {
  const added = ensureSecrets(clone);
  say(added.length === 0 ? `${clone.envFile}: nothing is missing` : `${clone.envFile}: generated ${added.join(', ')}`);
  return 0;
}
