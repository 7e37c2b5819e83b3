import { readRepoFile } from './compose_file.ts';

interface Rule {
  readonly keep: boolean;
  readonly pattern: RegExp;
}

/** Wildcards of .dockerignore: `**` spans folders, `*` does not. */
function toPattern(line: string): RegExp {
  const parts = line.split('/').map((part, index, all) => {
    if (part === '**') return index === all.length - 1 ? '.*' : '(?:[^/]+/)*';
    const text = part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]');
    return index === all.length - 1 ? text : `${text}/`;
  });
  return new RegExp(`^${parts.join('')}(?:/.*)?$`);
}

/** Says of a path below the root, with `/`, whether it stays out of the build; the last rule that fits decides. */
export function dockerIgnore(text = readRepoFile('.dockerignore')): (path: string) => boolean {
  const rules: Rule[] = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keep: line.startsWith('!'), pattern: toPattern(line.replace(/^!/, '').replace(/^\//, '')) }));
  return (path) => rules.reduce((ignored, { keep, pattern }) => (pattern.test(path) ? !keep : ignored), false);
}
