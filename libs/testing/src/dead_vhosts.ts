import fs from 'node:fs';
import type { TestBroker } from './test_broker.ts';

/** Whatever goes wrong with a vhost is written as an error that names it. */
const TROUBLE = /\[error\].*vhost/i;
const RESTART = [
  'Dead = [V || V <- rabbit_vhost:list_names(), not rabbit_vhost_sup_sup:is_vhost_alive(V)],',
  '[case rabbit_vhost_sup_sup:start_vhost(V) of {ok, _} -> V end || V <- Dead].',
].join(' ');

/**
 * RabbitMQ 3.10 that was killed may find its own files in a state from which it cannot recover a vhost at once: the node
 * runs, and its vhost is down until an operator restarts it (`rabbitmqctl restart_vhost`). That is done here.
 */
export class DeadVhosts {
  readonly #logFile: string;
  /** Bytes of the log that were looked at. */
  #read = 0;

  constructor(logFile: string) {
    this.#logFile = logFile;
  }

  /** Restarts what is down, and says so. @throws Error when a vhost stays down */
  async revive(broker: Pick<TestBroker, 'erlang'>): Promise<void> {
    if (!TROUBLE.test(this.#news())) return;
    const names = [...(await broker.erlang(RESTART)).matchAll(/<<"([^"]*)">>/g)].map(([, name]) => name);
    if (names.length > 0)
      process.stderr.write(`RabbitMQ came up without its vhost ${names.join(', ')}, which was restarted\n`);
  }

  #news(): string {
    const log = fs.existsSync(this.#logFile) ? fs.readFileSync(this.#logFile) : Buffer.alloc(0);
    // a log that is shorter than before has been rotated
    const news = log.subarray(log.length < this.#read ? 0 : this.#read).toString('utf8');
    this.#read = log.length;
    return news;
  }
}
