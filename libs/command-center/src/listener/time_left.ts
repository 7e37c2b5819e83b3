import type { Delivery } from '@warren/rabbit';

/** Clocks of two machines that differ by more than this are a fault that somebody has to mend. */
export const CLOCK_TOLERANCE_MS = 5_000;

/**
 * Milliseconds from its reception (`receivedAtMs`, wall clock) in which the message is worth working on: infinite where
 * the sender set no limit, 0 or less when nobody waits any more.
 *
 * A request carries its time to live, which the broker enforces while it is queued, and the caller's wall-clock deadline.
 * The deadline is exact where the clocks agree. One that is further away than the time to live, or past although the
 * broker has just delivered the message, shows that they do not: then the time to live counts from the reception.
 */
export function timeLeftMs(delivery: Delivery, receivedAtMs: number): number {
  const { headers, expiration } = delivery.properties;
  const deadline = headers?.['warren-deadline'];
  const timeToLive =
    expiration !== undefined && /^\d{1,10}$/.test(expiration) ? Number(expiration) : Number.POSITIVE_INFINITY;
  if (typeof deadline !== 'number' || !Number.isFinite(deadline)) return timeToLive;
  const left = deadline - receivedAtMs;
  if (left > 0) return Math.min(left, timeToLive);
  const contradicted = Number.isFinite(timeToLive) && left > -CLOCK_TOLERANCE_MS;
  return contradicted ? timeToLive : left;
}
