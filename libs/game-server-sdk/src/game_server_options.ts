import type { Assignment } from '@warren/contracts';
import type { Load } from './host_load.ts';

export interface GameServerOptions {
  /** `https://play.example.com`. */
  readonly gatewayUrl: string;
  /** Made by `warren server-key create`. Secret. */
  readonly serverKey: string;
  /**
   * Name of this process in the fleet; the same after a restart, and never of two processes at once. Up to 63 letters, digits,
   * dots, dashes or underscores.
   */
  readonly instanceId: string;
  /** Where players connect: `wss://host:port`. */
  readonly address: string;
  /** Games that run at once, 1 to 5,000. */
  readonly capacity: number;
  readonly region?: string;
  readonly version?: string;
  /** At most 16. */
  readonly tags?: readonly string[];
  /** Measures the load, each share 0 to 1; the machine's CPU and memory unless given. */
  readonly load?: () => Load;
  /** `iss` of the platform's tokens, where it is not the usual one. */
  readonly issuer?: string;
  /** For run-times without a global one (Node before 22): the class of the package `ws`. */
  readonly webSocket?: typeof WebSocket;
  /**
   * Prepares a game; it is confirmed when this resolves. When it rejects, the game is not confirmed and the platform looks
   * for another place. Called once per lease. `signal` is aborted when the game is taken away meanwhile.
   */
  readonly onAssigned: (assignment: Assignment, signal: AbortSignal) => Promise<void> | void;
  /** A prepared game was taken away: end whatever still runs of it. Not called for games that were reported. */
  readonly onReleased: (gameId: string, reason: string) => void;
  /** Trouble that the SDK works around by itself, and what callbacks threw, for the log. */
  readonly onTrouble?: (what: string, error: unknown) => void;
  /**
   * The platform has sent this process away for good: another process took its instance id over, or its fleet key is not
   * accepted any more. Its games were released. End the process; a supervisor may start it again.
   */
  readonly onStopped?: (reason: string) => void;
}
