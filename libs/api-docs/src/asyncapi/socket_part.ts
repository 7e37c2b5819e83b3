import { CLOSE_CODES, type Contract, type EventContract, MAX_FRAME_BYTES, SUBPROTOCOL } from '@warren/contracts';
import type { Json } from '../json.ts';
import type { AsyncApiBuilder } from './asyncapi_builder.ts';
import type { Ref } from './asyncapi_document.ts';
import { isForServers } from './broker_messages.ts';
import { closeTable } from './close_notes.ts';
import {
  addClientEvent,
  addControlFrames,
  addRequestFrames,
  CLIENT_FRAMES,
  eventMessage,
  frameMessage,
  okMessage,
  refusalMessage,
  requestMessage,
  UNASKED,
} from './socket_frames.ts';

const GATEWAY = 'gateway';

/** One address of the gateway: who connects there, what they may ask, what they are told. */
interface DoorSpec {
  readonly id: 'players' | 'servers';
  readonly who: string;
  readonly address: string;
  /** Security schemes of those who connect. */
  readonly security: readonly string[];
  /** Message type of a command at this door; undefined where it cannot be asked here. */
  readonly typeOf: (contract: Contract) => string | undefined;
  readonly hears: (event: EventContract) => boolean;
}

const isFor = ({ exposure, access }: Contract, kind: 'player' | 'server'): boolean =>
  exposure === 'public' && access.kind === kind;

const DOORS: readonly DoorSpec[] = [
  {
    id: 'players',
    who: 'player',
    address: '/v1/ws',
    security: ['player', 'ticket'],
    typeOf: (contract) => (isFor(contract, 'player') ? contract.ws : undefined),
    hears: (event) => event.client !== undefined && !isForServers(event),
  },
  {
    id: 'servers',
    who: 'game server',
    address: '/v1/servers/ws',
    security: ['server', 'ticket'],
    typeOf: (contract) => (isFor(contract, 'server') ? contract.name : undefined),
    hears: isForServers,
  },
];

const SCHEMES: Readonly<Record<string, Json>> = {
  player: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Access token of a player, in the Authorization header of the upgrade.',
  },
  server: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Token of a game server, in the Authorization header of the upgrade.',
  },
  ticket: {
    type: 'apiKey',
    in: 'user',
    description: 'A ticket of POST /v1/ws-tickets, sent in the first frame. It opens one connection, within 30 s.',
  },
};

/** The WebSockets of the gateway: what clients ask and what they are told. */
export function addSockets(
  builder: AsyncApiBuilder,
  contracts: readonly Contract[],
  events: readonly EventContract[],
): void {
  const schemes = Object.entries(SCHEMES).map(([id, scheme]) => builder.security(id, scheme));
  builder.server(GATEWAY, {
    host: '{host}:{port}',
    protocol: 'wss',
    protocolVersion: '13',
    title: 'Gateway',
    description: 'Any gateway; without TLS in front of it the protocol is ws.',
    variables: { host: { default: '127.0.0.1' }, port: { default: '8080' } },
    security: schemes,
  });
  addControlFrames(builder);
  for (const door of DOORS) addDoor(builder, door, contracts, events);
}

const channelOf = ({ id }: DoorSpec): string => `socket.${id}`;

function addDoor(
  builder: AsyncApiBuilder,
  door: DoorSpec,
  contracts: readonly Contract[],
  events: readonly EventContract[],
): void {
  builder.channel(channelOf(door), {
    address: door.address,
    title: `WebSocket of a ${door.who}`,
    description:
      `One connection per ${door.who}: a newer one closes the older with ${CLOSE_CODES.replaced}. ` +
      `Text frames of at most ${MAX_FRAME_BYTES} bytes, one JSON object each. Up to 16 requests may be under way.`,
    servers: [{ $ref: `#/servers/${GATEWAY}` }],
    bindings: {
      ws: {
        method: 'GET',
        headers: {
          type: 'object',
          properties: {
            'Sec-WebSocket-Protocol': { type: 'string', const: SUBPROTOCOL },
            Authorization: { type: 'string', description: 'Bearer and the token; without it the first frame is auth.' },
          },
          required: ['Sec-WebSocket-Protocol'],
        },
        bindingVersion: '0.1.0',
      },
    },
    'x-close-codes': closeTable(),
  });
  addFrames(builder, door);
  for (const contract of contracts) {
    const type = door.typeOf(contract);
    if (type !== undefined) addRequest(builder, door, contract, type);
  }
  for (const event of events) {
    if (door.hears(event) && event.client !== undefined) addEvent(builder, door, event, event.client);
  }
}

const securityOf = (door: DoorSpec): { readonly security: readonly Ref[] } => ({
  security: door.security.map((id) => ({ $ref: `#/components/securitySchemes/${id}` })),
});

function addFrames(builder: AsyncApiBuilder, door: DoorSpec): void {
  const about = { channel: channelOf(door), 'x-kind': 'frame', 'x-service': GATEWAY } as const;
  for (const [name, , summary] of CLIENT_FRAMES) {
    builder.operation(`${door.id}.receive.${name}`, {
      ...about,
      action: 'receive',
      title: `${door.who} sends ${name}`,
      summary,
      messages: [frameMessage(name)],
    });
  }
  builder.operation(`${door.id}.send.control`, {
    ...about,
    action: 'send',
    title: `gateway tells the ${door.who} about the connection`,
    summary: 'Frames about the connection itself.',
    messages: UNASKED.map(frameMessage),
  });
}

function addRequest(builder: AsyncApiBuilder, door: DoorSpec, contract: Contract, type: string): void {
  const { name, summary, idempotency, deadlineMs, limits, access } = contract;
  addRequestFrames(builder, contract, type);
  builder.operation(`${door.id}.receive.${type}`, {
    action: 'receive',
    channel: channelOf(door),
    title: `${door.who} asks ${type}`,
    summary,
    ...securityOf(door),
    messages: [requestMessage(type)],
    reply: { channel: channelOf(door), messages: [okMessage(type), refusalMessage(type)] },
    'x-kind': 'request',
    'x-service': GATEWAY,
    'x-subject': name,
    'x-rules': { access: { ...access }, idempotency, deadlineMs, ratePerMinute: limits.ratePerMinute },
  });
}

function addEvent(builder: AsyncApiBuilder, door: DoorSpec, event: EventContract, type: string): void {
  addClientEvent(builder, event, type);
  builder.operation(`${door.id}.send.${type}`, {
    action: 'send',
    channel: channelOf(door),
    title: `gateway sends ${type}`,
    summary: event.summary,
    ...securityOf(door),
    messages: [eventMessage(type)],
    'x-kind': 'client_event',
    'x-service': GATEWAY,
    'x-subject': event.name,
  });
}
