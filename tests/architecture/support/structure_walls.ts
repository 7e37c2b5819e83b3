import { layerProblems } from '../rules/layers.ts';
import {
  doorProblems,
  packageCycleProblems,
  testDoorProblems,
  undeclaredProblems,
  vendorProblems,
  versionProblems,
} from '../rules/packages.ts';
import { appProblems, muteProblems, nameProblems, relativeImportProblems, sizeProblems } from '../rules/sources.ts';
import type { Workspace } from './workspace.ts';

type Rule = (workspace: Workspace) => string[];
/** A violation to plant, the rule that must refuse it, and its sentence. */
export interface Wall {
  readonly rule: Rule;
  readonly file: string;
  /** Text of the planted file; with `old`, what replaces it in a file that is there. */
  readonly text: string;
  readonly old?: string;
  /** The sentence that must be said. */
  readonly says: string;
}

const KERNEL = 'libs/kernel/src/planted.ts';
const AUTH = 'libs/auth/src/planted.ts';
const APP = 'apps/auth-svc/src/planted.ts';
const imports = (name: string): string => `import type * as x from '${name}';\nexport type X = typeof x;\n`;
/** A new file; `@` at the start of the sentence stands for its first line. */
const refused = (rule: Rule, file: string, text: string, says: string): Wall => ({
  rule,
  file,
  text,
  says: says.replace(/^@/, `${file}:1`),
});

/** Every wall that the architecture tests hold, by what breaks it. */
export const STRUCTURE_WALLS: Readonly<Record<string, Wall>> = {
  'a lib that imports a higher layer': refused(
    layerProblems,
    KERNEL,
    imports('@warren/app'),
    '@: kernel (layer 0) must not import app (layer 4): a lib imports only lower layers',
  ),
  'two libs of one layer': refused(
    layerProblems,
    'libs/redis/src/planted.ts',
    imports('@warren/postgres'),
    '@: redis (layer 2) must not import postgres (layer 2): a lib imports only lower layers',
  ),
  'a lib that imports its own name': refused(
    layerProblems,
    AUTH,
    imports('@warren/auth'),
    '@: @warren/auth must not import itself by name',
  ),
  'a domain that imports a domain': refused(
    layerProblems,
    AUTH,
    imports('@warren/session'),
    '@: domain auth must not import domain session: they talk by contracts and messages',
  ),
  'test tools in production': refused(
    layerProblems,
    AUTH,
    imports('@warren/testing'),
    '@: @warren/testing is for tests only and must not be used by libs/auth',
  ),
  'contracts that import more than zod': refused(
    layerProblems,
    'libs/contracts/src/planted.ts',
    imports('@warren/kernel'),
    '@: libs/contracts may import zod only, not @warren/kernel',
  ),
  'contracts that need Node': refused(
    layerProblems,
    'libs/contracts/src/planted.ts',
    imports('node:fs'),
    '@: libs/contracts runs in a browser and must not import node:fs',
  ),
  'a published package that imports the platform': refused(
    layerProblems,
    'libs/game-server-sdk/src/planted.ts',
    imports('@warren/rabbit'),
    '@: libs/game-server-sdk may import @warren/contracts, @warren/tokens, @warren/wire, zod only, not @warren/rabbit',
  ),
  'an app that reaches its store': refused(
    layerProblems,
    APP,
    imports('@warren/postgres'),
    '@: apps/auth-svc is wiring and must not import @warren/postgres',
  ),
  'an example that uses the platform': refused(
    layerProblems,
    'examples/bots/src/planted.ts',
    imports('@warren/rabbit'),
    '@: an example uses published packages only, not @warren/rabbit',
  ),
  'a lib without a layer': {
    rule: layerProblems,
    file: 'libs/planted/package.json',
    text: '{"name": "@warren/planted"}',
    says: 'libs/planted has no layer: add it to LAYERS in tests/architecture/rules/layers.ts',
  },
  'a layer broken in package.json alone': {
    rule: layerProblems,
    file: 'libs/redis/package.json',
    old: '"dependencies": {',
    text: '"dependencies": {\n    "@warren/app": "workspace:*",',
    says: 'libs/redis/package.json: redis (layer 2) must not import app (layer 4): a lib imports only lower layers',
  },
  'packages in a circle': {
    rule: packageCycleProblems,
    file: 'libs/telemetry/package.json',
    old: '"dependencies": {',
    text: '"dependencies": {\n    "@warren/redis": "workspace:*",',
    says: 'packages depend on each other in a circle: @warren/telemetry → @warren/redis → @warren/telemetry',
  },
  'a vendor library outside of its owner': refused(
    vendorProblems,
    AUTH,
    imports('pg'),
    '@: pg belongs to libs/postgres, libs/testing and must not be used by libs/auth',
  ),
  'a vendor family outside of its owner': refused(
    vendorProblems,
    AUTH,
    imports('@fastify/static'),
    '@: @fastify/static belongs to libs/http and must not be used by libs/auth',
  ),
  'an undeclared package': refused(
    undeclaredProblems,
    AUTH,
    imports('croner'),
    '@: croner is not declared in libs/auth/package.json',
  ),
  'an undeclared package behind import()': refused(
    undeclaredProblems,
    AUTH,
    "export const f = () => import('croner');\n",
    '@: croner is not declared in libs/auth/package.json',
  ),
  'a devDependency in production': refused(
    undeclaredProblems,
    'libs/allocation/src/planted.ts',
    imports('fast-check'),
    '@: fast-check is not declared in libs/allocation/package.json',
  ),
  'a relative import out of the package': refused(
    relativeImportProblems,
    AUTH,
    imports('../../kernel/src/index.ts'),
    '@: relative import of ../../kernel/src/index.ts leaves its package libs/auth',
  ),
  'a second way to the map of the broker': refused(
    relativeImportProblems,
    AUTH,
    imports('../../../rabbitmq_topology.ts'),
    '@: relative import of ../../../rabbitmq_topology.ts leaves its package libs/auth',
  ),
  'a second door': {
    rule: doorProblems,
    file: 'libs/redis/package.json',
    old: '"./src/index.ts"',
    text: '{ ".": "./src/index.ts", "./x": "./src/x.ts" }',
    says: "libs/redis/package.json: exports must be the one door './src/index.ts'",
  },
  'a door for tests without its leave': {
    rule: doorProblems,
    file: 'libs/rabbit/package.json',
    old: '"./memory": "./src/memory/index.ts"',
    text: '"./x": "./src/memory/index.ts"',
    says: 'libs/rabbit/package.json: exports must be {".":"./src/index.ts","./memory":"./src/memory/index.ts"}',
  },
  'the twin of the broker in production': refused(
    testDoorProblems,
    AUTH,
    imports('@warren/rabbit/memory'),
    '@: @warren/rabbit/memory is for tests only',
  ),
  'the twin of the broker behind the door of production': refused(
    testDoorProblems,
    'libs/rabbit/src/planted.ts',
    imports('./memory/index.ts'),
    '@: ./memory/index.ts is for tests only',
  ),
  'a door with a default export': {
    rule: doorProblems,
    file: 'libs/redis/src/index.ts',
    text: 'export default 1;\n',
    says: 'libs/redis/src/index.ts: a door has named exports only',
  },
  'a door that passes on a vendor': {
    rule: doorProblems,
    file: 'libs/redis/src/index.ts',
    text: "export * from 'ioredis';\n",
    says: 'libs/redis/src/index.ts:1: a door must not pass on all of ioredis',
  },
  'a version outside of the catalog': {
    rule: versionProblems,
    file: 'libs/redis/package.json',
    old: '"ioredis": "catalog:"',
    text: '"ioredis": "^6.0.0"',
    says: "libs/redis/package.json: ioredis must be 'catalog:', not '^6.0.0'",
  },
  'a version range in the catalog': {
    rule: versionProblems,
    file: 'pnpm-workspace.yaml',
    old: 'ioredis: 6.0.0',
    text: 'ioredis: ^6.0.0',
    says: 'pnpm-workspace.yaml: ioredis ^6.0.0 is no exact version',
  },
  'cycles of the workspace allowed': {
    rule: versionProblems,
    file: 'pnpm-workspace.yaml',
    old: 'disallowWorkspaceCycles: true',
    text: 'disallowWorkspaceCycles: false',
    says: 'pnpm-workspace.yaml: disallowWorkspaceCycles must be true',
  },
  'a file over 300 lines': refused(
    sizeProblems,
    AUTH,
    'export const x = 1;\n\n'.repeat(151),
    `${AUTH}: 302 lines, at most 300`,
  ),
  'SQL in an app': refused(
    appProblems,
    APP,
    "export const q = 'select id from accounts';\n",
    '@: an app holds no SQL: select id from',
  ),
  'an AMQP call in an app': refused(
    appProblems,
    APP,
    "export const f = (c: X) => c.publish('x');\n",
    '@: an app holds no AMQP call: .publish(',
  ),
  'an app that grows': refused(appProblems, APP, '\n'.repeat(150), 'apps/auth-svc: src has'),
  'a rule muted without a reason': refused(
    muteProblems,
    AUTH,
    '// oxlint-disable-next-line no-console\nexport const x = 1;\n',
    '@: write "oxlint-disable-next-line <rule> -- <reason>"',
  ),
  'a rule muted for a file': refused(
    muteProblems,
    AUTH,
    '/* eslint-disable no-console */\n',
    '@: checks are muted by oxlint-disable-next-line alone',
  ),
  'a file in camelCase': refused(
    nameProblems,
    'libs/auth/src/plantedFile.ts',
    '',
    'libs/auth/src/plantedFile.ts: file names are snake_case',
  ),
};
