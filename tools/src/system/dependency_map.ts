import fs from 'node:fs';
import path from 'node:path';
import { SERVICES } from '@warren/rabbit';
import { z } from 'zod';

const Manifest = z.object({ name: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });

interface Workspace {
  readonly name: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
}

const PLACES = ['apps', 'libs', 'examples'];
const GAME_SERVER_FOLDER = 'examples/game-server';
/** Read by every service, though no package names it. */
const SHARED_FILES = new Set(['rabbitmq_topology.ts']);

/** Which role uses which files, by what the packages say of their dependencies. */
export class DependencyMap {
  readonly #folders: ReadonlyMap<string, ReadonlySet<string>>;

  /** `folders`: by role, the folders of its package and of everything that it depends on. */
  constructor(folders: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#folders = folders;
  }

  /** Reads the packages below `root`. */
  static read(root: string): DependencyMap {
    const workspaces = PLACES.flatMap((place) => readPlace(root, place));
    const folderOfRole = new Map(SERVICES.map((service) => [service.prefix, `apps/${service.app}`]));
    folderOfRole.set('game-server', GAME_SERVER_FOLDER);
    return new DependencyMap(new Map([...folderOfRole].map(([role, folder]) => [role, closure(workspaces, folder)])));
  }

  /** Roles to restart when these files (relative to the root, with `/`) changed. */
  rolesUsing(files: readonly string[]): string[] {
    const uses = (folders: ReadonlySet<string>): boolean =>
      files.some((file) => SHARED_FILES.has(file) || folders.has(file.split('/').slice(0, 2).join('/')));
    return [...this.#folders].filter(([, folders]) => uses(folders)).map(([role]) => role);
  }
}

function readPlace(root: string, place: string): Workspace[] {
  return fs.readdirSync(path.join(root, place)).flatMap((name) => {
    const file = path.join(root, place, name, 'package.json');
    if (!fs.existsSync(file)) return [];
    const manifest = Manifest.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
    return [{ name: manifest.name, folder: `${place}/${name}`, dependencies: Object.keys(manifest.dependencies) }];
  });
}

function closure(workspaces: readonly Workspace[], folder: string): ReadonlySet<string> {
  const byName = new Map(workspaces.map((workspace) => [workspace.name, workspace]));
  const found = new Set<string>();
  const open = workspaces.filter((workspace) => workspace.folder === folder);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next.folder)) continue;
    found.add(next.folder);
    open.push(...next.dependencies.map((name) => byName.get(name)).filter((workspace) => workspace !== undefined));
  }
  return found;
}
