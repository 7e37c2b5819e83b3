interface IndexedRoute {
  readonly method: string;
  readonly pattern: RegExp;
}

/** Knows which methods a path takes, so that a wrong method is told apart from a wrong address. */
export class RouteIndex {
  readonly #routes: IndexedRoute[] = [];

  /** `path` in fastify's form: `/v1/tickets/:ticket_id`. */
  add(method: string, path: string): void {
    const source = path
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join('/');
    this.#routes.push({ method, pattern: new RegExp(`^${source}$`) });
  }

  methodsAt(path: string): readonly string[] {
    return [...new Set(this.#routes.filter((route) => route.pattern.test(path)).map((route) => route.method))];
  }
}
