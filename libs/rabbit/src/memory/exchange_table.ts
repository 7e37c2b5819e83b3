import type { Options } from 'amqplib';
import { argumentsOf } from './arguments_of.ts';
import { Refusal } from './refusal.ts';
import { topicMatcher } from './topic_pattern.ts';

interface Binding {
  readonly queue: string;
  readonly pattern: string;
  readonly fits: (key: string) => boolean;
}

interface Exchange {
  readonly type: string;
  readonly durable: boolean;
  readonly alternate: string | undefined;
  readonly bindings: Binding[];
}

/** How a binding's pattern is read, by the type of its exchange. */
const MATCHERS: Readonly<Record<string, (pattern: string) => (key: string) => boolean>> = {
  topic: topicMatcher,
  direct: (pattern) => (key) => key === pattern,
  fanout: () => () => true,
};

/** The exchanges of a vhost. The one without a name takes a queue's name as its key. */
export class ExchangeTable {
  readonly #vhost: string;
  readonly #exchanges = new Map<string, Exchange>();

  constructor(vhost: string) {
    this.#vhost = vhost;
    for (const type of ['topic', 'direct', 'fanout'])
      this.#exchanges.set(`amq.${type}`, { type, durable: true, alternate: undefined, bindings: [] });
  }

  has(name: string): boolean {
    return name === '' || this.#exchanges.has(name);
  }

  typeOf(name: string): string | undefined {
    return this.#exchanges.get(name)?.type;
  }

  /** @throws Refusal 404 */
  check(name: string): void {
    if (!this.has(name)) throw new Refusal(404, `no exchange '${name}' in vhost '${this.#vhost}'`);
  }

  /** @throws Refusal 403 (reserved name), 406 (other properties), 503 (a type that the twin does not have) */
  declare(name: string, type: string, options: Options.AssertExchange): void {
    const wanted: Exchange = { type, durable: options.durable ?? true, alternate: alternateOf(options), bindings: [] };
    const existing = this.#exchanges.get(name);
    if (existing === undefined) {
      if (MATCHERS[type] === undefined) throw new Refusal(503, `unknown exchange type '${type}'`);
      if (name === '' || name.startsWith('amq.'))
        throw new Refusal(403, `exchange name '${name}' contains reserved prefix 'amq.*'`);
      this.#exchanges.set(name, wanted);
      return;
    }
    this.#same(name, 'type', wanted.type, existing.type);
    this.#same(name, 'durable', wanted.durable, existing.durable);
    this.#same(name, 'alternate-exchange', wanted.alternate, existing.alternate);
  }

  delete(name: string): void {
    this.#exchanges.delete(name);
  }

  /** @throws Refusal 404 */
  bind(queue: string, name: string, pattern: string): void {
    const { type, bindings } = this.#get(name);
    if (bindings.some((other) => other.queue === queue && other.pattern === pattern)) return;
    const matcher = MATCHERS[type] ?? topicMatcher;
    bindings.push({ queue, pattern, fits: matcher(pattern) });
  }

  unbind(queue: string, name: string, pattern: string): void {
    const { bindings } = this.#get(name);
    const index = bindings.findIndex((other) => other.queue === queue && other.pattern === pattern);
    if (index !== -1) bindings.splice(index, 1);
  }

  unbindAll(queue: string): void {
    for (const { bindings } of this.#exchanges.values()) {
      const kept = bindings.filter((binding) => binding.queue !== queue);
      bindings.splice(0, bindings.length, ...kept);
    }
  }

  /** The names of the queues for a key, each once; those of the alternates when the exchange itself has none. */
  route(name: string, key: string): readonly string[] {
    if (name === '') return [key];
    const seen = new Set<string>();
    for (
      let at: string | undefined = name;
      at !== undefined && !seen.has(at);
      at = this.#exchanges.get(at)?.alternate
    ) {
      seen.add(at);
      const found = new Set((this.#exchanges.get(at)?.bindings ?? []).filter(({ fits }) => fits(key)).map(queueOf));
      if (found.size > 0) return [...found];
    }
    return [];
  }

  #get(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange !== undefined) return exchange;
    throw new Refusal(404, `no exchange '${name}' in vhost '${this.#vhost}'`);
  }

  #same(name: string, what: string, received: unknown, current: unknown): void {
    if (received === current) return;
    throw new Refusal(
      406,
      `inequivalent arg '${what}' for exchange '${name}' in vhost '${this.#vhost}': received '${String(received)}' but ` +
        `current is '${String(current)}'`,
    );
  }
}

const queueOf = ({ queue }: Binding): string => queue;

function alternateOf(options: Options.AssertExchange): string | undefined {
  const value = options.alternateExchange ?? argumentsOf(options)['alternate-exchange'];
  return typeof value === 'string' ? value : undefined;
}
