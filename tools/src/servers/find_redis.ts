import { probePort } from '@warren/provision';
import { ToolError } from '../tool_error.ts';
import type { FindContext } from './find_context.ts';
import { type Attempt, keyPrefixOf, type RedisPlace } from './place.ts';
import { redisFailure } from './redis_session.ts';

function keyPrefix(context: FindContext): string {
  return context.settings['REDIS_KEY_PREFIX'] ?? keyPrefixOf(context.clone.id);
}

/** Step 1: REDIS_URL. */
export async function redisFromUrl(context: FindContext): Promise<Attempt<RedisPlace>> {
  const given = context.settings['REDIS_URL'];
  if (given === undefined) return { next: 'REDIS_URL is not set' };
  if (!/^rediss?:\/\//.test(given) || !URL.canParse(given)) {
    throw new ToolError('redis: REDIS_URL is set, but is no URL of the form redis://:password@host:6379.');
  }
  const place = { kind: 'redis', origin: 'url', url: given, keyPrefix: keyPrefix(context) } as const;
  const failure = await redisFailure(place);
  const { host } = new URL(given);
  if (failure === undefined) return { use: place, reason: `REDIS_URL is set: ${host}, keys ${place.keyPrefix}*` };
  throw new ToolError(`redis: REDIS_URL is set, but ${host} cannot be used: ${failure}. Mend it or remove it.`);
}

/** Step 2: the server on 6379, with keys of our own. Nothing else of it is touched. */
export async function redisFromLocal(context: FindContext): Promise<Attempt<RedisPlace>> {
  const port = context.standardPorts.redis;
  if (!(await probePort('127.0.0.1', port))) return { next: `nothing listens on port ${port}` };
  const password = context.settings['REDIS_PASSWORD'];
  const withPassword = password === undefined ? [] : [`redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`];
  let failure = 'it does not answer';
  for (const url of [`redis://127.0.0.1:${port}`, ...withPassword]) {
    const place = { kind: 'redis', origin: 'local', url, keyPrefix: keyPrefix(context) } as const;
    const reason = await redisFailure(place);
    if (reason === undefined)
      return { use: place, reason: `a Redis runs on port ${port}; keys ${place.keyPrefix}* in it` };
    // The answer without a password says most.
    if (url === `redis://127.0.0.1:${port}`) failure = reason;
  }
  return { next: `the server on port ${port} is not used: ${failure}` };
}
