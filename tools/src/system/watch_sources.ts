import fs from 'node:fs';
import path from 'node:path';

const PLACES = ['apps', 'libs', 'examples'];

/** Calls `onChange` with each source file that changes, relative to the root and with `/`. */
export function watchSources(root: string, onChange: (file: string) => void): { close: () => void } {
  const watchers = PLACES.flatMap((place) => packagesOf(root, place)).map((folder) =>
    fs.watch(path.join(root, folder, 'src'), { recursive: true, persistent: false }, (_event, name) => {
      if (name?.endsWith('.ts') && !/\.i?test\.ts$/.test(name))
        onChange(`${folder}/src/${name.split(path.sep).join('/')}`);
    }),
  );
  const topology = fs.watch(root, { persistent: false }, (_event, name) => {
    if (name === 'rabbitmq_topology.ts') onChange(name);
  });
  return {
    close() {
      for (const watcher of [...watchers, topology]) watcher.close();
    },
  };
}

// Not the whole folder: it holds node_modules, whose links would be watched as well.
function packagesOf(root: string, place: string): string[] {
  return fs
    .readdirSync(path.join(root, place))
    .map((name) => `${place}/${name}`)
    .filter((folder) => fs.existsSync(path.join(root, folder, 'src')));
}
