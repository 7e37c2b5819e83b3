import type { Package, Workspace } from '../support/workspace.ts';

/**
 * Layer of every lib that is no domain. A lib imports only lower layers, so two libs of one layer never import each other;
 * that is what keeps the domains (layer 5) apart. telemetry stands just above kernel, because its metrics are kernel
 * resources.
 */
export const LAYERS: Readonly<Record<string, number>> = {
  kernel: 0,
  contracts: 0,
  telemetry: 1,
  rabbit: 2,
  postgres: 2,
  redis: 2,
  http: 2,
  tokens: 2,
  wire: 2,
  'command-center': 3,
  'api-docs': 3,
  app: 4,
  client: 5,
  'game-server-sdk': 5,
};

/** Only for tests and tools; nothing that runs in production may import them. */
const DEV_LIBS = ['testing', 'service-kit', 'provision', 'harness'];
const DEV = 'dev';
const TEST_LIB = '@warren/testing';
/** A lib that has no layer above and that an app is built on is the domain of that app. */
const DOMAIN_LAYER = 5;
const PUBLISHED = ['client', 'game-server-sdk'];

/** Packages that may use nothing but these: what leaves the platform, or runs in a browser. */
const NARROW: Readonly<Record<string, readonly string[]>> = {
  'libs/contracts': ['zod'],
  'libs/wire': ['@warren/contracts', 'zod'],
  'libs/client': ['@warren/contracts', '@warren/tokens', '@warren/wire', 'zod'],
  'libs/game-server-sdk': ['@warren/contracts', '@warren/tokens', '@warren/wire', 'zod'],
};
/** Packages that run in a browser: no Node module either. */
const BROWSER = ['libs/contracts', 'libs/wire', 'libs/client'];
/** An app is wiring: its stores and its broker are reached through its domain lib and libs/app. */
const CLOSED_TO_APPS = ['rabbit', 'postgres', 'redis', 'http', 'wire', ...DEV_LIBS, ...PUBLISHED];
/** Examples show what a user of Warren has: the published packages. */
const OPEN_TO_EXAMPLES = ['client', 'game-server-sdk', 'contracts'];

interface Use {
  readonly from: Package;
  readonly name: string;
  /** Where it is said: `libs/x/package.json` or `libs/x/src/y.ts:3`. */
  readonly at: string;
  /** In a test, a test helper or devDependencies. */
  readonly test: boolean;
}

type Place = number | typeof DEV;
/** Place of every lib that has one. */
type Places = ReadonlyMap<string, Place>;

export function layerProblems(workspace: Workspace): string[] {
  const libs = libsOf(workspace);
  const places = placesOf(workspace, libs);
  const unplaced = libs.filter((lib) => !places.has(lib));
  return [
    ...unplaced.map((lib) => `libs/${lib} has no layer: add it to LAYERS in tests/architecture/rules/layers.ts`),
    ...workspace.packages.flatMap(usesOf).flatMap((use) => judge(use, places)),
    ...workspace.packages.flatMap((from) => domainCount(from, places)),
  ];
}

const libsOf = ({ packages }: Workspace): string[] =>
  packages.filter(({ place }) => place === 'libs').map(({ dir }) => dir.slice('libs/'.length));

function placesOf({ packages }: Workspace, libs: readonly string[]): Places {
  const places = new Map<string, Place>(Object.entries(LAYERS));
  for (const lib of DEV_LIBS) places.set(lib, DEV);
  const ofApps = packages.filter(({ place }) => place === 'apps').flatMap(librariesOf);
  for (const lib of ofApps) if (!places.has(lib) && libs.includes(lib)) places.set(lib, DOMAIN_LAYER);
  return places;
}

/** Libs that a package runs with. */
const librariesOf = ({ manifest }: Package): string[] =>
  Object.keys(manifest.dependencies ?? {}).flatMap((name) => /^@warren\/(.+)$/.exec(name)?.[1] ?? []);

/** A domain is placed by the app that is built on it, not by the table. */
const isDomain = (lib: string, places: Places): boolean => places.get(lib) === DOMAIN_LAYER && !(lib in LAYERS);

function usesOf(from: Package): Use[] {
  const { dependencies = {}, devDependencies = {} } = from.manifest;
  const at = `${from.dir}/package.json`;
  return [
    ...Object.keys(dependencies).map((name) => ({ from, name, at, test: false })),
    ...Object.keys(devDependencies).map((name) => ({ from, name, at, test: true })),
    ...from.sources.flatMap((source) =>
      source.imports
        .filter(({ specifier }) => !specifier.startsWith('.'))
        .map(({ specifier, line }) => ({
          from,
          name: packageName(specifier),
          at: `${source.path}:${line}`,
          test: isTest(source.path),
        })),
    ),
  ];
}

/** `@warren/kernel` of `@warren/kernel/x`, `pg` of `pg/lib/y`; Node's own modules keep their prefix. */
export function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

/** Tests and what lies in a package's test folder are not part of what runs in production. */
export function isTest(file: string): boolean {
  return (
    /\.(test|itest)\.ts$/.test(file) ||
    /^((apps|libs|examples)\/[^/]+|tools)\/test\//.test(file) ||
    file.startsWith('tests/')
  );
}

function judge(use: Use, places: Places): string[] {
  const refusal = use.from.dir in NARROW ? narrowRefusal(use) : placeRefusal(use, places);
  return refusal === undefined ? [] : [`${use.at}: ${refusal}`];
}

function narrowRefusal({ from, name, test }: Use): string | undefined {
  if (test) return undefined;
  if (name.startsWith('node:'))
    return BROWSER.includes(from.dir) ? `${from.dir} runs in a browser and must not import ${name}` : undefined;
  const allowed = NARROW[from.dir] ?? [];
  return allowed.includes(name) ? undefined : `${from.dir} may import ${allowed.join(', ')} only, not ${name}`;
}

function placeRefusal(use: Use, places: Places): string | undefined {
  if (!use.name.startsWith('@warren/')) return undefined;
  const lib = use.name.slice('@warren/'.length);
  switch (use.from.place) {
    case 'libs':
      return libRefusal(use, lib, places);
    case 'apps':
      return appRefusal(use, lib, places);
    case 'examples':
      return lib.startsWith('example-') || OPEN_TO_EXAMPLES.includes(lib)
        ? undefined
        : `an example uses published packages only, not ${use.name}`;
    default:
      return undefined;
  }
}

function libRefusal({ from, name, test }: Use, lib: string, places: Places): string | undefined {
  const own = from.dir.slice('libs/'.length);
  if (lib === own) return `${name} must not import itself by name`;
  const to = places.get(lib);
  if (to === undefined) return `${from.dir} must not import ${name}, which is no lib`;
  if (DEV_LIBS.includes(own)) return undefined;
  if (to === DEV)
    return test && name === TEST_LIB ? undefined : `${name} is for tests only and must not be used by ${from.dir}`;
  return layerRefusal(own, lib, places);
}

function layerRefusal(own: string, lib: string, places: Places): string | undefined {
  const [layer, to] = [places.get(own), places.get(lib)];
  if (typeof layer !== 'number' || typeof to !== 'number' || to < layer) return undefined;
  if (isDomain(own, places) && isDomain(lib, places))
    return `domain ${own} must not import domain ${lib}: they talk by contracts and messages`;
  return `${own} (layer ${layer}) must not import ${lib} (layer ${to}): a lib imports only lower layers`;
}

function appRefusal({ from, name, test }: Use, lib: string, places: Places): string | undefined {
  if (test) return undefined;
  if (CLOSED_TO_APPS.includes(lib)) return `${from.dir} is wiring and must not import ${name}`;
  return places.get(lib) === undefined ? `${from.dir} must not import ${name}, which is no lib` : undefined;
}

function domainCount(from: Package, places: Places): string[] {
  if (from.place !== 'apps') return [];
  const domains = librariesOf(from).filter((lib) => isDomain(lib, places));
  return domains.length === 1
    ? []
    : [`${from.dir}/package.json: an app has one domain lib, this one has ${domains.length}`];
}
