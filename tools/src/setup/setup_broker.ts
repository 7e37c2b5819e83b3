import {
  deleteUsers,
  deleteVhosts,
  hashRabbitPassword,
  importDefinitions,
  listUsers,
  unwrapAdminResult,
} from '@warren/provision';
import { type BrokerDefinitionsInput, brokerDefinitions, brokerPrefixes, declareExchanges } from '@warren/rabbit';
import { brokerPasswordName } from '../env/secrets.ts';
import { type RabbitPlace, vhostOf } from '../servers/place.ts';
import { requireSetting } from '../servers/service_urls.ts';

type Settings = Readonly<Record<string, string>>;

/**
 * Vhost, users, their rights and the exchanges, in one import. In single-user mode only the exchanges, by the given user.
 * May be repeated at any time.
 */
export async function setupBroker(place: RabbitPlace, settings: Settings): Promise<void> {
  if (place.admin === undefined) return declareExchanges(place.url);
  unwrapAdminResult(await importDefinitions(place.admin, brokerDefinitions(declaredAt(place, settings))));
}

/** What is declared for this broker, with a new hash of each password. */
export function declaredAt({ vhost, userPrefix }: RabbitPlace, settings: Settings): BrokerDefinitionsInput {
  const hashes = brokerPrefixes().map(
    (prefix) => [prefix, hashRabbitPassword(requireSetting(settings, brokerPasswordName(prefix)))] as const,
  );
  return { vhost, userPrefix, passwords: Object.fromEntries(hashes) };
}

/** Whether the vhost was made for this clone, so that nobody else can have anything in it. */
export const ownsVhost = ({ vhost, userPrefix }: RabbitPlace): boolean =>
  vhost === vhostOf(userPrefix.replace(/-$/, ''));

/**
 * Removes the users of this clone, and the vhost with all it holds where it was made for this clone: one that was given by its name
 * may hold things of others. Does nothing in single-user mode.
 */
export async function removeBroker(place: RabbitPlace): Promise<void> {
  const { admin, vhost, userPrefix } = place;
  if (admin === undefined) return;
  if (ownsVhost(place)) unwrapAdminResult(await deleteVhosts(admin, [vhost]));
  const users = unwrapAdminResult(await listUsers(admin));
  unwrapAdminResult(
    await deleteUsers(
      admin,
      users.filter((user) => user.startsWith(userPrefix)),
    ),
  );
}
