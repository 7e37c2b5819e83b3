import type { PresentedToken } from '../repositories/refresh_token_repository.ts';

export type RefreshVerdict =
  /** First use: it gets its one successor. */
  | { readonly kind: 'rotate'; readonly row: PresentedToken }
  /** A repeated call whose answer was lost: the same successor again. */
  | { readonly kind: 'repeat'; readonly row: PresentedToken; readonly sealed: Buffer }
  /** Somebody uses a token that its owner has left behind: the session is not safe any more. */
  | { readonly kind: 'reused'; readonly row: PresentedToken }
  | { readonly kind: 'refused' };

/** What a presented token deserves; pure, because everything is in the row. */
export function judgeRefresh(row: PresentedToken | undefined): RefreshVerdict {
  if (row === undefined || !row.alive) return { kind: 'refused' };
  if (!row.rotated) return { kind: 'rotate', row };
  if (!row.inGrace) return { kind: 'reused', row };
  // within the grace a late repeat of the owner looks the same as a thief's: refused, and nobody is thrown out
  if (row.successorUsed || row.successorSealed === null) return { kind: 'refused' };
  return { kind: 'repeat', row, sealed: row.successorSealed };
}
