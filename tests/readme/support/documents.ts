import fs from 'node:fs';
import path from 'node:path';
import * as z from 'zod';

export interface Document {
  /** From the root: `docs/messaging.md`. */
  readonly file: string;
  readonly text: string;
}

const ROOT_DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
const EXAMPLE_README = 'examples/*/README.md';
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const CODE_SPAN = /`([^`\n]+)`/g;
/** A path with a folder, or a file of the root, that ends like a file of this project. */
const PATH = /^[\w.*<>@-]+(?:\/[\w.*<>@-]+)*\.(?:ts|mjs|json|md|yml|yaml|sh)$/;
const FOLDER = /^(?:apps|libs|tests|tools|examples|docs|bench)\/[\w*<>/-]*$/;
const SCRIPT = /\bnpm (?:run ([a-z]+)|(start|stop|test)\b)/g;
const OPERATOR_COMMAND = /npm run warren -- ([a-z-]+)/g;
/** An upper-case name with an underscore, alone or with a value behind it. */
const NAME = /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=.*)?$/;
/** The names in PROOFS, and what commander is told. */
const PROOF = /^ {2}(?:'([a-z-]+)'|([a-z]+)): \{$/gm;
const COMMAND = /\.command\('([a-z-]+)'\)/g;
/** Alone, or with labels behind it. */
const METRIC = /^((?:warren|gateway|http|nodejs)_[a-z0-9_]+)(?:\{.*)?$/;
/** `apps/<app>/src/main.ts` stands for several files; one of them has to exist. */
const PLACEHOLDER = /<[^>]+>/g;
/** Where a file that is named without its folder may be. */
const SOURCES = '{apps,libs,examples}/*/src/**';
const Manifest = z.object({ scripts: z.record(z.string(), z.string()) });

/** README, docs and what else a reader is sent to. */
export function readDocuments(root: string): Document[] {
  const files = [
    ...ROOT_DOCUMENTS,
    ...fs.globSync('docs/**/*.md', { cwd: root }),
    ...fs.globSync(EXAMPLE_README, { cwd: root }),
  ];
  return files.sort().map((file) => ({ file, text: fs.readFileSync(path.join(root, file), 'utf8') }));
}

const spansOf = ({ text }: Document): string[] => [...text.matchAll(CODE_SPAN)].map(([, span = '']) => span);

/** Relative links whose target, or whose heading in it, does not exist. */
export function linkProblems(root: string, document: Document): string[] {
  return [...document.text.matchAll(LINK)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [relative = '', anchor] = target.split('#', 2);
    const file = relative === '' ? document.file : path.join(path.dirname(document.file), relative);
    if (!fs.existsSync(path.join(root, file))) return [`${document.file}: link to ${target}, which does not exist`];
    if (anchor === undefined || anchorsOf(path.join(root, file)).includes(anchor)) return [];
    return [`${document.file}: link to ${target}, which has no such heading`];
  });
}

function anchorsOf(file: string): string[] {
  const headings = fs.readFileSync(file, 'utf8').match(/^#+ .+$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Paths in backticks that match no file: from the root, or from the document's own folder. */
export function pathProblems(root: string, document: Document): string[] {
  const own = path.join(root, path.dirname(document.file));
  const isThere = (pattern: string): boolean =>
    [root, own].some((cwd) => fs.globSync(pattern, { cwd }).length > 0) ||
    (!pattern.includes('/') && fs.globSync(`${SOURCES}/${pattern}`, { cwd: root }).length > 0);
  return spansOf(document)
    .filter((span) => PATH.test(span) || FOLDER.test(span))
    .filter((span) => !isThere(span.replace(PLACEHOLDER, '*')))
    .map((span) => `${document.file}: names ${span}, which does not exist`);
}

/** npm scripts, and commands of the operator's command line, that do not exist. */
export function scriptProblems(root: string, document: Document): string[] {
  const { scripts } = Manifest.parse(JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')));
  const cli = fs
    .globSync('tools/src/cli/**/*.ts', { cwd: root })
    .map((file) => fs.readFileSync(path.join(root, file), 'utf8'))
    .join('\n');
  const named = [...document.text.matchAll(SCRIPT)].map(([, run, short]) => run ?? short ?? '');
  const commands = [...document.text.matchAll(OPERATOR_COMMAND)].map(([, command = '']) => command);
  return [
    ...named
      .filter((name) => !Object.hasOwn(scripts, name))
      .map((name) => `${document.file}: there is no npm script ${name}`),
    ...commands
      .filter((command) => !cli.includes(`.command('${command}')`))
      .map((command) => `${document.file}: the command line has no ${command}`),
  ];
}

/** npm scripts, proofs and operator commands that no document shows. */
export function undescribedProblems(root: string, documents: readonly Document[]): string[] {
  const read = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8');
  const { scripts } = Manifest.parse(JSON.parse(read('package.json')));
  const proofs = [...read('tools/src/commands/prove.ts').matchAll(PROOF)].map(([, quoted, plain]) => quoted ?? plain);
  const commands = fs
    .globSync('tools/src/cli/**/*.ts', { cwd: root })
    .flatMap((file) => [...read(file).matchAll(COMMAND)].map(([, name = '']) => name));
  const shown = [
    ...Object.keys(scripts).map((name) => new RegExp(`npm (?:run )?${name}\\b`)),
    ...proofs.map((name) => new RegExp(`npm run prove -- ${name}\\b`)),
    ...commands.map((name) => new RegExp(`npm run warren -- [^\`\\n]*\\b${name}\\b`)),
  ];
  return shown
    .filter((pattern) => !documents.some(({ text }) => pattern.test(text)))
    .map(({ source }) => `no document shows ${source}`);
}

/** Metrics in backticks that the sources do not hold. */
export function metricProblems(sources: string, document: Document): string[] {
  return spansOf(document).flatMap((span) => {
    const name = METRIC.exec(span)?.[1];
    return name === undefined || sources.includes(name)
      ? []
      : [`${document.file}: names ${name}, which nothing counts`];
  });
}

/** Upper-case names in backticks that are no setting, error code or constant. */
export function nameProblems(known: ReadonlySet<string>, document: Document): string[] {
  return spansOf(document).flatMap((span) => {
    const name = NAME.exec(span)?.[1];
    return name === undefined || known.has(name) ? [] : [`${document.file}: names ${name}, which does not exist`];
  });
}

/** Decisions are cited by number: two of one number, or a heading that says another one than the file name. */
export function decisionProblems(decisions: readonly Document[]): string[] {
  const numberOf = ({ file }: Document): string => path.basename(file).split('-')[0] ?? '';
  return decisions.flatMap((decision, index) => {
    const number = numberOf(decision);
    const namesake = decisions.slice(0, index).find((other) => numberOf(other) === number);
    return [
      ...(decision.text.startsWith(`# ${number}. `)
        ? []
        : [`${decision.file}: its heading does not begin with ${number}`]),
      ...(namesake === undefined ? [] : [`${decision.file}: has the number of ${namesake.file}`]),
    ];
  });
}
