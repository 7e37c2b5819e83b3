import type { Logger } from '@warren/kernel';
import { toAppError } from '@warren/kernel';
import type { Database } from '@warren/postgres';
import type { Counter, Metrics } from '@warren/telemetry';
import type { AllocationSettings } from '../allocation_settings.ts';
import type { SampleRepository } from '../repositories/sample_repository.ts';
import type { ServerPlaces, ServerRepository } from '../repositories/server_repository.ts';
import type { Candidate, LoadSample } from './pick_server.ts';

/** Servers that one decision looks at; of a larger fleet a random part with free places. */
const MAX_CANDIDATES = 512;

/** Where a decision learns which servers there are. */
export interface ServerDirectory {
  candidates(): Promise<readonly Candidate[]>;
}

interface HeartbeatDirectoryDeps {
  readonly database: Database;
  readonly servers: ServerRepository;
  readonly samples: SampleRepository;
  readonly settings: AllocationSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The built-in directory: which servers there are and their places from Postgres, how loaded they are from Redis. */
export class HeartbeatDirectory implements ServerDirectory {
  readonly #deps: HeartbeatDirectoryDeps;
  readonly #blind: Counter;

  constructor(deps: HeartbeatDirectoryDeps) {
    this.#deps = deps;
    this.#blind = deps.metrics.counter(
      'warren_allocator_samples_unreadable_total',
      'Decisions made while Redis could not be read.',
    );
  }

  async candidates(): Promise<readonly Candidate[]> {
    const { database, servers, settings } = this.#deps;
    const places = await servers.listPlaces(database.read, settings.serverLostAfterSeconds, MAX_CANDIDATES);
    const samples = await this.#samplesOf(places);
    return places.map((place) => {
      const sample = samples.get(place.instanceId);
      return sample === undefined ? place : { ...place, sample };
    });
  }

  /** Without Redis games are still placed, by taken places alone. */
  async #samplesOf(places: readonly ServerPlaces[]): Promise<ReadonlyMap<string, LoadSample>> {
    try {
      return await this.#deps.samples.read(places.map((place) => place.instanceId));
    } catch (cause) {
      this.#blind.inc();
      this.#deps.logger.warn({ err: toAppError(cause) }, 'server metrics cannot be read; places decide');
      return new Map();
    }
  }
}
