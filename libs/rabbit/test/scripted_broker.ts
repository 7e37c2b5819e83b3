import { once } from 'node:events';
import net from 'node:net';
import { type DecodedFrame, defs, frames } from './amqplib_codec.ts';

const FRAME_MAX = 131_072;
export const CONSUMER_TAG = 'ctag-one';

/** What a broker answers to each method, by the method's number. */
const ANSWERS = new Map<number, (channel: number) => Buffer>([
  [defs.ConnectionStartOk, tune],
  [defs.ConnectionOpen, () => defs.encodeMethod(defs.ConnectionOpenOk, 0, { knownHosts: '' })],
  [defs.ConnectionClose, () => defs.encodeMethod(defs.ConnectionCloseOk, 0, {})],
  [defs.ChannelOpen, (channel) => defs.encodeMethod(defs.ChannelOpenOk, channel, { channelId: Buffer.alloc(0) })],
  [defs.ChannelClose, (channel) => defs.encodeMethod(defs.ChannelCloseOk, channel, {})],
  [defs.QueueDeclare, (channel) => defs.encodeMethod(defs.QueueDeclareOk, channel, DECLARED)],
  [defs.QueueBind, (channel) => defs.encodeMethod(defs.QueueBindOk, channel, {})],
  [defs.BasicQos, (channel) => defs.encodeMethod(defs.BasicQosOk, channel, {})],
  [defs.BasicConsume, (channel) => defs.encodeMethod(defs.BasicConsumeOk, channel, { consumerTag: CONSUMER_TAG })],
  [defs.BasicCancel, (channel) => defs.encodeMethod(defs.BasicCancelOk, channel, { consumerTag: CONSUMER_TAG })],
]);
const DECLARED = { queue: 'auth.rpc', messageCount: 0, consumerCount: 0 };

function tune(): Buffer {
  return defs.encodeMethod(defs.ConnectionTune, 0, { channelMax: 100, frameMax: FRAME_MAX, heartbeat: 5 });
}

function start(): Buffer {
  return defs.encodeMethod(defs.ConnectionStart, 0, {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties: {},
    mechanisms: Buffer.from('PLAIN'),
    locales: Buffer.from('en_US'),
  });
}

export interface ScriptedBroker {
  readonly url: string;
  close(): Promise<void>;
}

/** A broker that holds no message and answers every method, until somebody consumes: then it does as told. */
export async function scriptedBroker(
  onConsumer: (socket: net.Socket, connection: number) => void,
): Promise<ScriptedBroker> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, () => onConsumer(socket, connection));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(socket: net.Socket, onConsumer: () => void): void {
  let rest: Buffer = Buffer.alloc(0);
  const takeFrames = (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = frames.parseFrame(rest, 0); frame !== false; frame = frames.parseFrame(rest, 0)) {
      rest = frame.rest;
      const method: DecodedFrame = frames.decodeFrame(frame);
      const answer = ANSWERS.get(method.id ?? 0)?.(method.channel);
      if (answer !== undefined) socket.write(answer);
      if (method.id === defs.BasicConsume) onConsumer();
    }
  };
  // the eight bytes of the protocol header come alone: a client says no more before it is answered
  socket.once('data', () => {
    socket.on('data', takeFrames);
    socket.write(start());
  });
}
