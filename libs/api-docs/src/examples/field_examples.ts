const ID = '6f1d3c1e-8a52-4c57-9d5c-0d1c1a2b3c4d';

/**
 * What a field of this name holds in an example, in every command alike. A name that is not here gets the least value
 * that its schema takes; one whose schema is a pattern of its own needs a line.
 */
export const FIELD_EXAMPLES: Readonly<Record<string, unknown>> = {
  access_token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2lnbmF0dXJl',
  account_id: ID,
  address: 'wss://duel-1.example.net:7350',
  capacity: 50,
  client_tag: 'ranked',
  cpu: 0.21,
  created_at: '2026-11-21T10:00:00.000Z',
  crv: 'P-256',
  display_name: 'Hazel',
  expires_at: '2026-11-21T10:01:00.000Z',
  expires_in: 600,
  game_id: '7d3c64af-0a7d-4a15-b8c2-5b792a965e5d',
  heartbeatMs: 15_000,
  heartbeat_interval_ms: 2_000,
  inputs: 240,
  instance_id: 'duel-1',
  join_ticket: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImpvaW4rand0Iiwia2lkIjoiMSJ9.e30.c2lnbmF0dXJl',
  lease_id: '0c9a1f52-5f0e-4d0b-9a43-3b1f1d0a7e11',
  login: 'hazel',
  message: 'What happened, for people.',
  mode: 'duel',
  password: 'a long walk to the down',
  player_id: ID,
  ram: 0.4,
  reconnectAfterMs: 1_830,
  refresh_expires_in: 1_209_600,
  refresh_token: 'Zm9yLWV4YW1wbGUtb25seS1ub3QtYS10b2tlbg',
  region: 'eu',
  roles: ['player'],
  score: 7,
  seed: 305_419_896,
  server_key: 'Zm9yLWV4YW1wbGUtb25seS1ub3QtYS1rZXk',
  session: 'd39eae45-0b83-4605-871b-fd495ec9c698',
  session_id: 'd39eae45-0b83-4605-871b-fd495ec9c698',
  state_hash: '00d1e8a93c5b7f64',
  tags: ['duel'],
  ticket: 'Zm9yLWV4YW1wbGUtb25seS1ub3QtYS10aWNrZXQ',
  ticket_id: '2f6d1c4b-7a35-4e0c-9b8e-1f2a3b4c5d6e',
  token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2lnbmF0dXJl',
  traceId: '344d715e5366ff848e902e86e7c69633',
  trace_id: '344d715e5366ff848e902e86e7c69633',
  traceparent: '00-344d715e5366ff848e902e86e7c69633-b7ad6b7169203331-01',
  version: '1.2.0',
  winner: ID,
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
};

/** What a value of this format is where its field has no line above. */
export const FORMAT_EXAMPLES: Readonly<Record<string, string>> = {
  uuid: ID,
  'date-time': '2026-11-21T10:00:00.000Z',
  uri: 'https://example.net/',
  email: 'hazel@example.net',
};
