import 'reflect-metadata';
import { type DependencyContainer, instanceCachingFactory, container as root } from 'tsyringe';

declare const kind: unique symbol;

/** The name of one thing in a container, with the type of what it resolves to. */
export interface Token<T> {
  readonly name: string;
  readonly [kind]?: () => T;
}

export const token = <T>(name: string): Token<T> => Object.freeze({ name });

/**
 * tsyringe behind typed tokens. Factories only, each built once on first use; classes know nothing of the container.
 * Resources are not closed here: whoever opens one registers its closing on the service's AsyncDisposableStack.
 */
export class Container {
  readonly #inner: DependencyContainer = root.createChildContainer();
  readonly #names = new Set<string>();

  /** @throws Error when the token is registered already: two factories for one name are a mistake, never an override. */
  register<T>(key: Token<T>, factory: (container: Container) => NoInfer<T>): this {
    if (this.#names.has(key.name)) throw new Error(`the container already has a factory for "${key.name}"`);
    this.#names.add(key.name);
    this.#inner.register<T>(key.name, { useFactory: instanceCachingFactory(() => factory(this)) });
    return this;
  }

  value<T>(key: Token<T>, value: NoInfer<T>): this {
    return this.register(key, () => value);
  }

  has(key: Token<unknown>): boolean {
    return this.#names.has(key.name);
  }

  /** @throws Error that names the token and says what to add. */
  resolve<T>(key: Token<T>): T {
    if (!this.#names.has(key.name)) {
      throw new Error(
        `nothing is registered for "${key.name}": add container.register(...) for it in the domain's container file`,
      );
    }
    return this.#inner.resolve<T>(key.name);
  }
}
