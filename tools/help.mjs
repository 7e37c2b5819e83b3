/** What `npm run <command> -- --help` prints; read before anything is installed. */
export const COMMANDS = {
  start: {
    summary: 'find or start the servers, start every app, play one match, stay up until Ctrl-C',
    usage: 'npm start [-- --once | --reset]',
    options: [
      ['--once', 'play the match, stop everything that was started, exit'],
      ['--reset', "remove Warren's own data (virtual host, database, keys, private servers) and exit"],
      ['WARREN_REPLICAS=2', 'environment: run every app this many times (1 to 8)'],
      ['GAME_MATCH_SECONDS=10', 'environment: length of the match (6 to 45)'],
    ],
  },
  stop: { summary: 'stop everything that `npm start` or `npm test` left running', usage: 'npm stop', options: [] },
  dev: {
    summary: 'as start, without the match; restarts one app when a file it uses changes',
    usage: 'npm run dev',
    options: [['WARREN_REPLICAS=2', 'environment: run every app this many times (1 to 8)']],
  },
  test: {
    summary: 'run every test, or those whose file name matches a pattern, against servers left up',
    usage: 'npm test [-- <pattern>…]',
    options: [
      ['WARREN_TEST_SEED=20261', 'environment: the seed of everything random in tests'],
      ['WARREN_TEST_SIZE=full', 'environment: the size of `npm run prove`, instead of the short one'],
    ],
  },
  check: {
    summary: 'format, lint, types, unused code, generated files and unit tests',
    usage: 'npm run check [-- --fix [--accept-breaking] <pattern>…]',
    options: [
      ['<pattern>', 'of the unit tests only the files whose name matches'],
      ['--fix', 'write the format and the generated files instead of complaining'],
      ['--accept-breaking', 'with --fix: write changes of the API that break others and that CHANGELOG.md names'],
    ],
  },
  prove: {
    summary: 'run a proof that is too big for `npm test`, or all of them',
    usage: 'npm run prove [-- <name> [arguments]]',
    options: [
      ['bare-machine', 'both commands on a bare Debian in a folder (root, about 20 minutes)'],
      ['acceptance', 'the acceptance tests in full with three seeds, or with those that follow (about an hour)'],
      ['pains', 'the tests of the faults of other libraries in full (about 30 minutes)'],
      ['rabbitmq4', 'the tests of libs/rabbit, A-02 to A-05 and A-10 on RabbitMQ 4 (root, about 15 minutes)'],
      [
        'faultlab',
        'ten minutes of load under faults, and every promise checked (--seed 42 --minutes 10 --profile mixed)',
      ],
      ['mutants', 'Warren broken in known ways, one at a time; the fault lab has to notice each (about 30 minutes)'],
    ],
  },
  env: { summary: 'write missing secrets into .env; never changes a value', usage: 'npm run env', options: [] },
  bench: { summary: 'measure; without a name it lists the measures', usage: 'npm run bench [-- <name>]', options: [] },
  play: { summary: 'play against a bot in the terminal, while `npm start` runs', usage: 'npm run play', options: [] },
  cli: {
    summary:
      "the operator's commands: setup, migrate, dead letters, topology, server keys, env; and new: write a service or a command",
    usage: 'npm run warren -- <command>',
    options: [],
  },
};

/** The help of one command as text. */
export function helpOf(name) {
  const { summary, usage, options } = COMMANDS[name];
  const width = Math.max(0, ...options.map(([flag]) => flag.length)) + 2;
  const lines = options.map(([flag, text]) => `  ${flag.padEnd(width)}${text}`);
  return [`${usage}`, `  ${summary}`, ...(lines.length > 0 ? ['', ...lines] : [])].join('\n');
}

/** The list of all commands as text. */
export function overview() {
  return [
    'Commands (each knows --help):',
    ...Object.keys(COMMANDS).map((name) => `  ${COMMANDS[name].usage.padEnd(40)}${COMMANDS[name].summary}`),
  ].join('\n');
}
