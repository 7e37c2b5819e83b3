import type { MatchSpec } from '@warren/contracts';
import type { Generated } from '@warren/postgres';

/** Tables of schema `allocation`, as the migrations make them. */
export interface AllocationTables {
  servers: ServersTable;
  leases: LeasesTable;
}

/**
 * - `ready`: takes new games
 * - `draining`: runs what it has, takes nothing new
 * - `lost`: was silent for too long; only a new registration brings it back
 */
export type ServerState = 'ready' | 'draining' | 'lost';

/** `reserved` and `confirmed` are live: a game has at most one live lease. The others are ends. */
export type LeaseState = 'reserved' | 'confirmed' | 'released' | 'expired' | 'lost';

interface ServersTable {
  instance_id: string;
  address: string;
  region: string;
  version: string;
  tags: string[];
  /** What the server said at its last registration. */
  declared_capacity: number;
  /** Places in effect: the declared ones, or more while more are still taken. */
  capacity: number;
  used: Generated<number>;
  state: Generated<ServerState>;
  registered_at: Generated<Date>;
  last_seen_at: Generated<Date>;
}

interface LeasesTable {
  lease_id: string;
  game_id: string;
  instance_id: string;
  /** Grows with every lease: of two leases of one game the higher one is the later. A bigint, as text. */
  epoch: Generated<string>;
  state: LeaseState;
  resource_level: 'low' | 'high';
  match: MatchSpec;
  created_at: Generated<Date>;
  /** Null once confirmed. */
  expires_at: Date | null;
  confirmed_at: Date | null;
  /** First heartbeat of a row of heartbeats that did not name this confirmed game. */
  missing_since: Date | null;
  ended_at: Date | null;
  end_reason: string | null;
}
