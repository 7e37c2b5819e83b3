import { AppError } from '@warren/kernel';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { clientConfig, DEFAULT_TIMEOUTS, parseDatabaseUrl } from './connection_settings.ts';
import { endsSession, toCommitError, toDatabaseError } from './database_error.ts';

function serverError(code: string, severity = 'ERROR'): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('from the server', 0, 'error'), { code, severity });
}

describe('toDatabaseError', () => {
  test.for(['40001', '40P01', '57014', '55P03', '25006', '08006', '53300', '58030', '57P01', '57P03'])(
    'calls %s worth another try',
    (state) => {
      const cause = serverError(state);
      expect(toDatabaseError(cause)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true, cause });
    },
  );

  test.for(['23505', '42601', '22001', '42501'])('leaves %s to the code that knows its meaning', (state) => {
    const error = serverError(state);
    expect(toDatabaseError(error)).toBe(error);
  });

  test.for(['28P01', '28000', '3D000'])('calls %s a refused access', (state) => {
    expect(toDatabaseError(serverError(state, 'FATAL'))).toMatchObject({ code: 'DATABASE_ACCESS_REFUSED' });
  });

  test('knows the failures of the socket and of the driver', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    for (const error of [refused, new Error('Query read timeout'), new Error('Connection terminated unexpectedly')]) {
      expect(toDatabaseError(error)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', cause: error });
      expect(endsSession(toDatabaseError(error))).toBe(true);
    }
  });

  test('leaves errors of the work alone', () => {
    const own = new AppError('AUTH_LOGIN_TAKEN', 'Taken.', { kind: 'conflict' });
    const bug = new TypeError('x is undefined');
    expect(toDatabaseError(own)).toBe(own);
    expect(toDatabaseError(bug)).toBe(bug);
    expect(toDatabaseError('text')).toBe('text');
    expect(endsSession(bug)).toBe(false);
  });
});

describe('toCommitError', () => {
  test('believes an error of the server: nothing was applied', () => {
    expect(toCommitError(toDatabaseError(serverError('40001')))).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    const violated = serverError('23503');
    expect(toCommitError(violated)).toBe(violated);
  });

  test.for([
    serverError('57P01', 'FATAL'),
    new Error('Query read timeout'),
    new Error('Connection terminated unexpectedly'),
  ])('calls everything else unknown: %s', (error) => {
    expect(toCommitError(toDatabaseError(error))).toMatchObject({ code: 'SERVICE_LINK_LOST', retryable: true });
  });
});

describe('the settings of a connection', () => {
  test('never repeat a wrong URL, because it may hold a password', () => {
    for (const text of [
      'Sesame',
      'http://a:Sesame@host/x',
      'postgres://a:Sesame@host',
      'postgres://a:Sesame@host:port/x',
    ]) {
      expect(() => parseDatabaseUrl(text)).toThrow(expect.objectContaining({ code: 'DATABASE_CONFIG_INVALID' }));
      expect(() => parseDatabaseUrl(text)).not.toThrow(/Sesame/);
    }
  });

  test('let no parameter of the URL take a timeout or the search path away', () => {
    const url = 'postgres://a:b@host/x?statement_timeout=0&options=-csearch_path%3Dother&sslmode=require';
    const config = clientConfig({ url, schema: 'auth', applicationName: 'warren.auth', timeouts: DEFAULT_TIMEOUTS });
    expect(config.connectionString).toBe('postgres://a:b@host/x?sslmode=require');
    expect(config).toMatchObject({ statement_timeout: 3_000, query_timeout: 3_500, connectionTimeoutMillis: 1_500 });
    expect(config.options).toContain('search_path=auth ');
  });

  test('refuse a schema that is no plain name', () => {
    const make = (schema: string) =>
      clientConfig({ url: 'postgres://a@host/x', schema, applicationName: 'x', timeouts: DEFAULT_TIMEOUTS });
    for (const schema of ['', 'Auth', 'a b', 'a;drop', 'a-b', '1a'])
      expect(() => make(schema)).toThrow(/cannot name a schema/);
  });
});
