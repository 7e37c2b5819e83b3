import path from 'node:path';
import { build, type Rolldown } from 'vite';

/** The oldest syntax that the bundles may need: Node 20, and browsers of its time. */
const TARGET = 'es2022';

export interface Bundle {
  readonly code: string;
  /** Packages and Node modules that the code imports, sorted. */
  readonly imports: readonly string[];
}

/**
 * Bundles a package's entry with all workspace code that it uses. Nothing of the workspace has effects at import, so that
 * what is not used is left out together with its own imports.
 */
export async function bundle(root: string, entry: string): Promise<Bundle> {
  const outputs = await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: TARGET,
      minify: false,
      lib: { entry: path.join(root, entry), formats: ['es'] },
      rolldownOptions: { external: isForeign, treeshake: { moduleSideEffects: false } },
    },
  });
  const [output] = Array.isArray(outputs) ? outputs : [];
  if (output === undefined) throw new Error(`${entry} was not bundled`);
  const chunks = output.output.filter((file): file is Rolldown.OutputChunk => file.type === 'chunk');
  const [chunk] = chunks;
  if (chunk === undefined || chunks.length > 1) throw new Error(`${entry} became ${chunks.length} files, not one`);
  return { code: chunk.code, imports: [...chunk.imports, ...chunk.dynamicImports].sort() };
}

const isForeign = (id: string): boolean => !/^[./]/.test(id) && !id.startsWith('@warren/');
