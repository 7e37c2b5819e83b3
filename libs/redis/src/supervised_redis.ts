import { Socket } from 'node:net';
import { resetSocket } from '@warren/kernel';
import { type Command, Redis } from 'ioredis';
import { isCommandTimeout, toRedisError } from './redis_error.ts';

type SendArguments = Parameters<Redis['sendCommand']>;

/**
 * The vendor's client, whose commands fail in the vocabulary of calls (see `toRedisError`) and whose timeouts end the
 * connection.
 */
export class SupervisedRedis extends Redis {
  override sendCommand(command: Command, stream?: SendArguments[1]): unknown {
    const sentOn = this.stream;
    const sent = super.sendCommand(command, stream);
    if (!(sent instanceof Promise)) return sent;
    const known = sent.catch((error: unknown) => {
      // Reset, not closed: what still waits on the way must not reach the server after its failure was reported. And
      // answers that come late would be taken for those of later commands if one got lost. The client connects anew by
      // itself.
      if (isCommandTimeout(error) && sentOn instanceof Socket) resetSocket(sentOn);
      throw toRedisError(error);
    });
    // A pipeline gathers failures from its commands and drops what is returned here: unhandled, it would end the process.
    if (stream !== undefined) known.catch(() => undefined);
    return known;
  }
}
