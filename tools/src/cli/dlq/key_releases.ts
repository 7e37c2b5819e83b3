import { releaseKeys } from '@warren/command-center';
import type { Database } from '@warren/postgres';
import { type DeadLetter, keyedQueues, SERVICES } from '@warren/rabbit';
import type { Clone } from '../../clone/clone.ts';
import { settingsOf } from '../../env/secrets.ts';
import { databaseUrlOf } from '../../servers/service_urls.ts';
import { SCHEMAS } from '../../setup/schemas.ts';
import { serviceDatabase } from '../../setup/service_database.ts';
import { sentenceOf, ToolError } from '../../tool_error.ts';
import { operatorPlaces } from '../operator_places.ts';

const SERVICE_OF_QUEUE: ReadonlyMap<string, string> = new Map(
  SERVICES.flatMap(({ prefix }) => keyedQueues(prefix).map(({ name }) => [name, prefix] as const)),
);

/** The service in whose database a letter holds up its key, as parked commands in sequence do; undefined for all others. */
export const holderOf = ({ source }: DeadLetter): string | undefined => SERVICE_OF_QUEUE.get(source);

/** The way to the rows by which letters hold up keys, in the databases of their services. */
export class KeyReleases {
  readonly #databases = new Map<string, Database>();

  /** @throws ToolError when one of the databases cannot be reached */
  static async open(clone: Clone, services: Iterable<string>): Promise<KeyReleases> {
    const releases = new KeyReleases();
    try {
      for (const service of services) releases.#databases.set(service, await openDatabase(clone, service));
      return releases;
    } catch (error) {
      await releases.close();
      throw error;
    }
  }

  /** Whether the letter may go: it holds up no key, or one that can be released. */
  cover(letter: DeadLetter): boolean {
    const service = holderOf(letter);
    return service === undefined || this.#databases.has(service);
  }

  /** Resolves to the number of letters that held up their keys. */
  async release(letters: readonly DeadLetter[]): Promise<number> {
    let released = 0;
    for (const [service, database] of this.#databases) {
      const ids = letters.filter((letter) => holderOf(letter) === service).map(({ messageId }) => messageId);
      released += await releaseKeys(database, ids);
    }
    return released;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#databases.values()].map((database) => database.close()));
  }
}

async function openDatabase(clone: Clone, service: string): Promise<Database> {
  let database: Database | undefined;
  try {
    database = serviceDatabase(urlOf(clone, service), schemaOf(service));
    // asks for the very right that is needed later
    await releaseKeys(database, []);
    return database;
  } catch (cause) {
    await database?.close();
    throw new ToolError(
      `Nothing was dropped: letters of ${service} hold up keys in its database, which cannot be used. ${sentenceOf(cause)}`,
      { cause },
    );
  }
}

function urlOf(clone: Clone, service: string): string {
  const given = settingsOf(clone, process.env)[`${service.toUpperCase()}_DATABASE_URL`];
  if (given !== undefined) return given;
  const { places, settings } = operatorPlaces(clone);
  return databaseUrlOf(places.postgres, settings, service);
}

function schemaOf(service: string): string {
  const schema = SCHEMAS.find(({ prefix }) => prefix === service)?.set.schema;
  if (schema !== undefined) return schema;
  throw new ToolError(`${service} has no schema: add it to tools/src/setup/schemas.ts.`);
}
