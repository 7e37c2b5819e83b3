import fs from 'node:fs';

const FORBID_ALL = '#!/bin/sh\n# Written while packages are installed: no service starts by itself.\nexit 101\n';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How long an interrupted installation may take to end; until then services stay forbidden. */
const WIND_UP_MS = 20_000;

const savedName = (file: string): string => `${file}.before-warren`;
const absentName = (file: string): string => `${file}.absent-before-warren`;

/** Puts back what was there before; does nothing when nothing was replaced. */
function restore(file: string): void {
  if (fs.existsSync(savedName(file))) {
    fs.renameSync(savedName(file), file);
  } else if (fs.existsSync(absentName(file))) {
    fs.rmSync(file, { force: true });
    fs.rmSync(absentName(file), { force: true });
  }
}

function replace(file: string): void {
  // A run that was killed left its mark: what it saved is the original, not what is there now.
  restore(file);
  if (fs.lstatSync(file, { throwIfNoEntry: false }) === undefined) fs.writeFileSync(absentName(file), '');
  else fs.renameSync(file, savedName(file));
  const draft = `${file}.new`;
  fs.writeFileSync(draft, FORBID_ALL, { mode: 0o755 });
  fs.renameSync(draft, file);
}

/**
 * Runs `work` while Debian's maintainer scripts may not start services. `file` is policy-rc.d; its former content, or
 * absence, comes back
 * whatever happens: failure, SIGINT, SIGTERM, SIGHUP (which also abort `work`), and after SIGKILL at the next run.
 */
export async function withoutServiceStarts<T>(file: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  let timer: NodeJS.Timeout | undefined;
  const finish = (): void => {
    clearTimeout(timer);
    for (const name of SIGNALS) process.off(name, onSignal);
    restore(file);
    // With our listener gone the signal does what it would have done.
    if (received !== undefined) process.kill(process.pid, received);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    // A second signal does not wait for the installation to wind up.
    if (received !== undefined) return finish();
    received = name;
    controller.abort();
    timer = setTimeout(finish, WIND_UP_MS);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    replace(file);
    return await work(controller.signal);
  } finally {
    finish();
  }
}
