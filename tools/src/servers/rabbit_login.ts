import { silentLogger } from '@warren/kernel';
import { RabbitLink } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { sentenceOf } from '../tool_error.ts';

const LOGIN_TIMEOUT_MS = 5_000;

/** Logs in and out again. Undefined when that works, otherwise why not. */
export async function rabbitLoginFailure(url: string): Promise<string | undefined> {
  const link = new RabbitLink({
    url,
    role: 'publish',
    name: 'tools.probe',
    logger: silentLogger(),
    metrics: new Metrics('tools'),
  });
  try {
    link.start();
    await link.ready(LOGIN_TIMEOUT_MS);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  } finally {
    await link.stop();
  }
}

// The timeout's own message says nothing of what happened; its cause does.
function reasonOf(error: unknown): string {
  const inner =
    error instanceof Error && error.cause instanceof Error && error.cause.message !== '' ? error.cause : error;
  return sentenceOf(inner).replace(/\.$/, '');
}

/** `base` with this vhost, and with this user and password. */
export function rabbitUrl(base: string, vhost: string, credentials?: { user: string; password: string }): string {
  const url = new URL(base);
  url.pathname = `/${encodeURIComponent(vhost)}`;
  if (credentials === undefined) return url.href;
  url.username = encodeURIComponent(credentials.user);
  url.password = encodeURIComponent(credentials.password);
  return url.href;
}

/** The vhost that a URL names; undefined for the broker's default. */
export function namedVhost(url: string): string | undefined {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  return name === '' || name === '/' ? undefined : name;
}
