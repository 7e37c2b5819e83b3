import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const Identity = z.strictObject({ pid: z.int().positive(), startTime: z.string().min(1) });

/**
 * What must be known to find a private server again, to stop it, or to start it anew with the same address and
 * password.
 */
export const PrivateState = z.strictObject({
  kind: z.enum(['rabbitmq', 'postgres', 'redis']),
  /** The directory that the server itself owns. */
  home: z.string().min(1),
  port: z.int(),
  password: z.string().min(1),
  /** Undefined after a regular stop. */
  server: Identity.optional(),
  rabbit: z
    .strictObject({
      nodeName: z.string(),
      epmdPort: z.int(),
      distPort: z.int(),
      managementPort: z.int().optional(),
      epmd: Identity.optional(),
    })
    .optional(),
});
export type PrivateState = z.infer<typeof PrivateState>;

const stateFile = (dataDir: string): string => path.join(dataDir, 'server.json');

/** The state recorded in a data folder; undefined when there is none or it is not readable as such. */
export function readAnyState(dataDir: string): PrivateState | undefined {
  try {
    return PrivateState.parse(JSON.parse(fs.readFileSync(stateFile(dataDir), 'utf8')));
  } catch {
    return undefined;
  }
}

/** As `readAnyState`, for a server of this kind only. */
export function readState(dataDir: string, kind: PrivateState['kind']): PrivateState | undefined {
  const state = readAnyState(dataDir);
  return state?.kind === kind ? state : undefined;
}

/** Replaces the recorded state in one step; the file holds a password and is readable by its owner only. */
export function writeState(dataDir: string, state: PrivateState): void {
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const draft = `${stateFile(dataDir)}.${process.pid}.new`;
  fs.writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(draft, stateFile(dataDir));
}
