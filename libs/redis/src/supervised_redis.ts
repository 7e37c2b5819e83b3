import { type Command, Redis } from 'ioredis';
import { toRedisError } from './redis_error.ts';

type SendArguments = Parameters<Redis['sendCommand']>;

/** The vendor's client, whose commands fail in the vocabulary of calls (see `toRedisError`). */
export class SupervisedRedis extends Redis {
  override sendCommand(command: Command, stream?: SendArguments[1]): unknown {
    const sent = super.sendCommand(command, stream);
    // A pipeline gathers the failures itself and drops what is returned here: a derived promise would be an unhandled rejection.
    if (stream !== undefined || !(sent instanceof Promise)) return sent;
    return sent.catch((error: unknown) => {
      throw toRedisError(error);
    });
  }
}
