import net from 'node:net';

const ANSWER_MS = 2000;
const MAX_ANSWER_BYTES = 4096;

interface Exchange {
  port: number;
  request: Buffer;
  /** True or false once the bytes received so far decide; undefined to read on. */
  judge: (answer: Buffer) => boolean | undefined;
}

/** One request on a new connection; false when the answer does not come, is cut off or is the wrong one. */
function ask(exchange: Exchange): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port: exchange.port });
    let answer = Buffer.alloc(0);
    const finish = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(ANSWER_MS, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('connect', () => socket.write(exchange.request));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      const verdict = exchange.judge(answer);
      if (verdict !== undefined || answer.length > MAX_ANSWER_BYTES) finish(verdict ?? false);
    });
  });
}

/** A broker that is up answers the protocol header with a method frame (type 1) on channel 0. */
export function rabbitIsReady(port: number): Promise<boolean> {
  const request = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
  return ask({ port, request, judge: (answer) => (answer.length < 1 ? undefined : answer[0] === 1) });
}

function postgresStartup(user: string): Buffer {
  const body = Buffer.from(`user\0${user}\0database\0postgres\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + head.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}

/** Asks for a session: `R` (prove who you are) means open for business, `E` that it is still starting. */
export function postgresIsReady(port: number, user: string): Promise<boolean> {
  const judge = (answer: Buffer) => (answer.length < 1 ? undefined : answer[0] === 'R'.charCodeAt(0));
  return ask({ port, request: postgresStartup(user), judge });
}

/** Logs in and pings; a Redis that still loads its data answers the ping with an error. */
export function redisIsReady(port: number, password: string): Promise<boolean> {
  const request = Buffer.from(`*2\r\n$4\r\nAUTH\r\n$${password.length}\r\n${password}\r\n*1\r\n$4\r\nPING\r\n`);
  const judge = (answer: Buffer): boolean | undefined => {
    const lines = answer.toString('latin1').split('\r\n');
    if (lines.length < 3) return undefined;
    return lines[0] === '+OK' && lines[1] === '+PONG';
  };
  return ask({ port, request, judge });
}
