import fs from 'node:fs';
import path from 'node:path';
import {
  hashRabbitPassword,
  importDefinitions,
  newPassword,
  RABBIT_HASHING_ALGORITHM,
  unwrapAdminResult,
} from '@warren/provision';
import { type Clone, writePrivateFile } from '../clone/clone.ts';
import type { RabbitPlace, ServerPlaces } from '../servers/place.ts';
import { rabbitLoginFailure, rabbitUrl } from '../servers/rabbit_login.ts';
import { ToolError } from '../tool_error.ts';

type Settings = Readonly<Record<string, string>>;

function testPassword(clone: Clone): string {
  const file = path.join(clone.stateDir, 'test_password');
  if (!fs.existsSync(file)) writePrivateFile(file, newPassword());
  return fs.readFileSync(file, 'utf8');
}

/** A broker user of this clone for tests, which give it rights in the vhosts that they make. */
async function testBrokerUrl(clone: Clone, place: RabbitPlace, settings: Settings): Promise<string> {
  if (place.admin === undefined) {
    throw new ToolError(
      'rabbitmq: the tests make virtual hosts and users, which RABBITMQ_URL does not permit: set RABBITMQ_ADMIN_URL as well, or remove RABBITMQ_URL.',
    );
  }
  const given = settings['RABBITMQ_URL'];
  if (place.origin === 'url' && given !== undefined) return rabbitUrl(given, '/');
  const user = `${place.userPrefix}test`;
  const password = testPassword(clone);
  const url = rabbitUrl(place.url, place.vhost, { user, password });
  if ((await rabbitLoginFailure(url)) === undefined) return url;
  const definitions = {
    vhosts: [{ name: place.vhost }],
    users: [
      {
        name: user,
        password_hash: hashRabbitPassword(password),
        hashing_algorithm: RABBIT_HASHING_ALGORITHM,
        tags: [],
      },
    ],
    permissions: [{ user, vhost: place.vhost, configure: '', write: '', read: '' }],
  };
  unwrapAdminResult(await importDefinitions(place.admin, definitions));
  return url;
}

/** Where tests find their servers, with the rights to make vhosts, databases and keys of their own. */
export async function testEnvironment(
  clone: Clone,
  places: ServerPlaces,
  settings: Settings,
): Promise<Record<string, string>> {
  const { rabbitmq, postgres, redis } = places;
  if (postgres.singleRole) {
    throw new ToolError(
      'postgres: the tests make databases and roles, which DATABASE_URL does not permit: use an account that may, or remove DATABASE_URL.',
    );
  }
  return {
    WARREN_TEST_RABBITMQ_URL: await testBrokerUrl(clone, rabbitmq, settings),
    WARREN_TEST_BROKER_ADMIN: JSON.stringify(rabbitmq.admin),
    WARREN_TEST_DATABASE_URL: postgres.adminUrl,
    WARREN_TEST_REDIS_URL: redis.url,
  };
}
