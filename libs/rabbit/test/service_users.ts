import { importIntoVhost, type TempVhost } from '@warren/testing';
import { brokerDefinitions, brokerPrefixes } from '../src/index.ts';

const PASSWORD = 'a-password-for-tests';

/** Sets a vhost up as that of a deployment, with every user and no right too many. Resolves to the URL of each, by its prefix. */
export async function serviceUsers(vhost: TempVhost): Promise<(prefix: string) => string> {
  const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'replaced by importIntoVhost']));
  const definitions = brokerDefinitions({ vhost: vhost.name, userPrefix: vhost.userPrefix, passwords });
  const users = definitions.users.map(({ name }) => ({ name, password: PASSWORD }));
  await importIntoVhost(vhost, { ...definitions, users });
  return (prefix) => vhost.urlFor(vhost.userPrefix + prefix, PASSWORD);
}
