import { ToolError } from '../tool_error.ts';

/** How far beyond a taken port the search goes. */
const MAX_STEPS = 200;
const LAST_PORT = 65_535;

/** Hands out ports: the preferred one, or the next free one after it. No port is handed out twice. */
export class PortChooser {
  readonly #isFree: (port: number) => Promise<boolean>;
  readonly #taken = new Set<number>();

  constructor(isFree: (port: number) => Promise<boolean>) {
    this.#isFree = isFree;
  }

  /** @throws ToolError when none of the next 200 ports is free */
  async choose(preferred: number): Promise<number> {
    const last = Math.min(LAST_PORT, preferred + MAX_STEPS);
    for (let port = preferred; port <= last; port += 1) {
      if (this.#taken.has(port) || !(await this.#isFree(port))) continue;
      this.#taken.add(port);
      return port;
    }
    throw new ToolError(`No port from ${preferred} to ${last} is free.`);
  }
}
