import type { Clone } from '../clone/clone.ts';
import { sayPlain } from '../output.ts';
import { requireFile, runForeground } from '../processes/run_foreground.ts';
import { ToolError } from '../tool_error.ts';

interface Proof {
  readonly summary: string;
  /** What runs it: `node` is the Node that the project brought. */
  readonly runner: 'bash' | 'node';
  /** Its path from the root of the clone. */
  readonly file: readonly string[];
}

/** What `npm run prove` runs, in this order. What is too long or needs too much of a machine for `npm test`. */
const PROOFS: Readonly<Record<string, Proof>> = {
  'bare-machine': {
    summary: '`npm start` and `npm test` on a bare Debian in a folder (root, about 20 minutes)',
    runner: 'bash',
    file: ['tools', 'prove_bare_machine.sh'],
  },
  acceptance: {
    summary: 'the acceptance tests in full with three seeds; or with the seeds that follow (about an hour)',
    runner: 'node',
    file: ['tools', 'prove', 'acceptance.ts'],
  },
  pains: {
    summary:
      'the tests of the faults of other libraries in full, or those whose path holds a pattern (about 30 minutes)',
    runner: 'node',
    file: ['tools', 'prove', 'pains.ts'],
  },
  rabbitmq4: {
    summary: 'the tests of libs/rabbit, A-02 to A-05 and A-10 on the RabbitMQ 4 of Debian 13 (root, about 15 minutes)',
    runner: 'node',
    file: ['tools', 'prove', 'rabbitmq4.ts'],
  },
  faultlab: {
    summary: 'ten minutes of load under faults, and every promise checked (--seed, --minutes, --profile, --replay)',
    runner: 'node',
    file: ['tools', 'faultlab', 'main.ts'],
  },
  mutants: {
    summary: 'breaks Warren in known ways, one at a time; the fault lab has to notice each (about 30 minutes)',
    runner: 'node',
    file: ['tools', 'faultlab', 'prove_mutants.ts'],
  },
};

function runProof(clone: Clone, proof: Proof, args: readonly string[]): Promise<number> {
  const program = proof.runner === 'node' ? process.execPath : proof.runner;
  return runForeground(clone, [program, requireFile(clone, ...proof.file), ...args]);
}

async function runAll(clone: Clone): Promise<number> {
  for (const [name, proof] of Object.entries(PROOFS)) {
    sayPlain(`prove: ${name}`);
    const code = await runProof(clone, proof, []);
    if (code !== 0) return code;
  }
  return 0;
}

/** `npm run prove -- <name> [arguments]`: one proof; without a name all of them, up to the first that fails. */
export async function prove(clone: Clone, args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) return await runAll(clone);
  const proof = Object.hasOwn(PROOFS, name) ? PROOFS[name] : undefined;
  if (proof !== undefined) return await runProof(clone, proof, rest);
  throw new ToolError(`There is no proof "${name}".`, {
    exitCode: 2,
    details: Object.entries(PROOFS).map(([known, { summary }]) => `npm run prove -- ${known}: ${summary}`),
  });
}
