import fs from 'node:fs';
import path from 'node:path';
import { ToolError } from '../tool_error.ts';

export interface Change {
  /** From the root, with slashes. */
  readonly file: string;
  /** Undefined for a new file. */
  readonly before: string | undefined;
  readonly after: string;
}

/**
 * Changes to the sources that nobody has seen yet: reads fall through to the disk, writes stay here. What is refused half-way
 * has changed nothing.
 */
export class Draft {
  readonly root: string;
  readonly #after = new Map<string, string>();

  constructor(root: string) {
    this.root = root;
  }

  has(file: string): boolean {
    return this.#after.has(file) || fs.existsSync(path.join(this.root, file));
  }

  /** @throws ToolError when there is no such file */
  read(file: string): string {
    const text = this.#after.get(file) ?? this.#onDisk(file);
    if (text !== undefined) return text;
    throw new ToolError(`${file} is not there: this tool expects the layout of docs/architecture.md.`);
  }

  /** @throws ToolError when the file is there already */
  create(file: string, text: string): void {
    if (this.has(file)) throw new ToolError(`${file} is there already: nothing was changed.`);
    this.#after.set(file, text);
  }

  change(file: string, edit: (text: string) => string): void {
    this.#after.set(file, edit(this.read(file)));
  }

  /** Names in a folder, drafted ones included; none when there is no such folder. */
  list(folder: string): string[] {
    const full = path.join(this.root, folder);
    const names = new Set(fs.existsSync(full) ? fs.readdirSync(full) : []);
    for (const file of this.#after.keys())
      if (path.posix.dirname(file) === folder) names.add(path.posix.basename(file));
    return [...names].sort();
  }

  get changes(): readonly Change[] {
    return [...this.#after].map(([file, after]) => ({ file, before: this.#onDisk(file), after }));
  }

  #onDisk(file: string): string | undefined {
    const full = path.join(this.root, file);
    return fs.existsSync(full) ? fs.readFileSync(full, 'utf8') : undefined;
  }
}
