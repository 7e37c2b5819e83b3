import { AppError, toAppError } from '@warren/kernel';

/**
 * For a step of the start that fails because of one setting: the same error, with the name of the setting before its
 * sentence, so that whoever starts the service knows where to look. The value stays unsaid: it may hold a password.
 */
export function namingSetting(name: string): (cause: unknown) => never {
  return (cause) => {
    const { code, message, kind, retryable } = isPortTaken(cause) ? portTaken(cause) : toAppError(cause);
    throw new AppError(code, `${name}: ${message}`, { kind, retryable, cause });
  };
}

const isPortTaken = (cause: unknown): cause is Error & { readonly port?: unknown } =>
  cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';

function portTaken({ port }: { readonly port?: unknown }): AppError {
  const sentence = `port ${String(port)} is taken by another program: free it, or set another one.`;
  return new AppError('SETTINGS_PORT_TAKEN', sentence, { kind: 'internal' });
}
