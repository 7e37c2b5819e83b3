import type { ContractErrors } from '@warren/contracts';
import { ERROR_KINDS } from '@warren/kernel';
import type { Json } from '../json.ts';

const EXAMPLE_TRACE = '344d715e5366ff848e902e86e7c69633';
/** Statuses that say how long to wait. */
const WITH_RETRY_AFTER = [429, 503];

/** One response per status, which names the codes that it may carry, each with an example. */
export function problemResponses(errors: ContractErrors): Json {
  const byStatus = new Map<number, [string, string][]>();
  for (const [code, error] of Object.entries(errors)) {
    const status = ERROR_KINDS[error.kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), [code, error.message]]);
  }
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, codes]) => [status, problemResponse(status, codes)]),
  );
}

function problemResponse(status: number, codes: readonly (readonly [code: string, message: string])[]): Json {
  const schema = {
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      { type: 'object', properties: { code: { enum: codes.map(([code]) => code) } } },
    ],
  };
  const examples = Object.fromEntries(codes.map(([code]) => [code, { $ref: `#/components/examples/${code}` }]));
  return {
    description: codes.map(([code, message]) => `\`${code}\` ${message}`).join('\n\n'),
    headers: {
      traceparent: { $ref: '#/components/headers/traceparent' },
      ...(WITH_RETRY_AFTER.includes(status) ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : {}),
    },
    content: { 'application/problem+json': { schema, examples } },
  };
}

/** The problem document of a code, as the gateway sends it. */
export function problemExample(code: string, error: ContractErrors[string]): Json {
  return {
    summary: error.message,
    value: {
      type: `urn:warren:error:${code}`,
      title: error.message,
      status: ERROR_KINDS[error.kind],
      code,
      detail: error.message,
      retryable: error.retryable,
      traceId: EXAMPLE_TRACE,
    },
  };
}
