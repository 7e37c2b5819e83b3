import { asyncApiPage, clientAsyncApiOf, type DocumentedRoute, openApiOf, PAGE_STYLES } from '@warren/api-docs';
import { COMMON_ERRORS, CONTRACTS, type Contract, EVENTS, JwksReply, WsTicketReply } from '@warren/contracts';
import type { ApiDocuments } from '@warren/http';

export const TICKETS_PER_MINUTE = 60;

export const TICKET_ROUTE: DocumentedRoute = {
  method: 'POST',
  path: '/v1/ws-tickets',
  status: 201,
  summary: 'Gives a ticket that opens one WebSocket (/v1/ws or /v1/servers/ws) when it is sent in the first frame.',
  operationId: 'gateway_issue_ws_ticket',
  tag: 'gateway',
  access: 'player_or_server',
  ratePerMinute: TICKETS_PER_MINUTE,
  reply: WsTicketReply,
  errors: {
    ACCESS_UNAUTHENTICATED: COMMON_ERRORS.ACCESS_UNAUTHENTICATED,
    RATE_LIMITED: COMMON_ERRORS.RATE_LIMITED,
    SERVICE_UNAVAILABLE: COMMON_ERRORS.SERVICE_UNAVAILABLE,
  },
};

export const JWKS_ROUTE: DocumentedRoute = {
  method: 'GET',
  path: '/.well-known/jwks.json',
  status: 200,
  summary: 'The public keys that verify tokens (RFC 7517).',
  operationId: 'gateway_get_jwks',
  tag: 'gateway',
  access: 'anonymous',
  reply: JwksReply,
  errors: { SERVICE_UNAVAILABLE: COMMON_ERRORS.SERVICE_UNAVAILABLE },
};

const HTTP_INFO = {
  title: 'Warren',
  version: '1',
  description:
    'HTTP API of a Warren game backend. The WebSockets are described at [/docs/asyncapi](/docs/asyncapi).\n\n' +
    'Errors are problem documents (RFC 9457): decide by `code` and `retryable`. ' +
    'A reply may get new fields at any time; a request takes only the fields that are listed.',
};

const SOCKET_INFO = {
  title: 'Warren, WebSockets',
  version: '1',
  description:
    'What clients and game servers send to the gateway over a WebSocket, and what they are told. ' +
    'Every operation is told from the side of the gateway: it receives what a client sends.\n\n' +
    'The calls over HTTP are at `/docs`. A payload that the gateway sends may get new fields at any time; ' +
    'a request takes only the fields that are listed.',
};

/** The public documents of a gateway: HTTP and WebSockets, nothing of what is behind them. */
export function gatewayDocuments(contracts: readonly Contract[] = CONTRACTS): ApiDocuments {
  const asyncapi = clientAsyncApiOf(SOCKET_INFO, contracts, EVENTS);
  return {
    openapi: openApiOf(HTTP_INFO, contracts, [TICKET_ROUTE, JWKS_ROUTE]),
    asyncapi,
    page: asyncApiPage(asyncapi, { href: '/docs/asyncapi.css' }),
    styles: PAGE_STYLES,
  };
}
