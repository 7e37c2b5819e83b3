/** Words that stand in examples, tutorials and default installations; in small letters, without what joins words. */
const WELL_KNOWN = new Set([
  'admin',
  'changeme',
  'changethistosomethingrandom',
  'dev',
  'development',
  'guest',
  'jwtsecret',
  'keyboardcat',
  'mysecret',
  'null',
  'password',
  'postgres',
  'rabbitmq',
  'redis',
  'root',
  'secret',
  'shhhhhharedsecret',
  'supersecret',
  'test',
  'undefined',
  'warren',
  'warrensecret',
  'your256bitsecret',
  'yourjwtsecret',
]);

/** Placeholders of .env.example; production refuses any secret that holds one. */
export const PLACEHOLDER = 'replace-me';

/** `${JWT_SECRET}`, `<at_least_32_characters>`, `[object Object]`: something was to be put in and was not. */
const UNFILLED = /^(?:\$?\{.*\}|\$\(.*\)|<.*>|\[object \w+\])$/s;

/** Whether a secret is a placeholder, a well-known default, or one short piece over and over. */
export function isWeakSecret(value: string): boolean {
  if (value.includes(PLACEHOLDER) || UNFILLED.test(value)) return true;
  return WELL_KNOWN.has(value.toLowerCase().replaceAll(/[-_ ]/g, '')) || isRepetition(value);
}

function isRepetition(value: string): boolean {
  for (let period = 1; period <= value.length / 2; period++) {
    // the last piece may be cut: 1234567890 1234567890 12
    if (value.slice(period) === value.slice(0, value.length - period)) return true;
  }
  return false;
}
