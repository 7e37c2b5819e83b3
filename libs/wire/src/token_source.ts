import { WarrenError } from './warren_error.ts';

/** Gives a valid access token. `refused` is one that the gateway has just refused: it must not be given again. */
export type TokenSource = (refused?: string) => Promise<string>;

/**
 * Runs `work` with a token, and once more with another one where the gateway refuses it: this machine's clock may be wrong,
 * and the platform may have withdrawn the key. @throws what the source or the work throws
 */
export async function withToken<T>(source: TokenSource, work: (token: string) => Promise<T>): Promise<T> {
  const token = await source();
  try {
    return await work(token);
  } catch (error) {
    if (!(error instanceof WarrenError) || error.code !== 'ACCESS_UNAUTHENTICATED') throw error;
    return work(await source(token));
  }
}
