/** The `x-…` arguments of a declaration, whose type amqplib leaves open. */
export function argumentsOf(options: { readonly arguments?: unknown }): Readonly<Record<string, unknown>> {
  const { arguments: given } = options;
  return typeof given === 'object' && given !== null ? Object.fromEntries(Object.entries(given)) : {};
}
