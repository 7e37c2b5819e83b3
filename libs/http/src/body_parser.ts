import { DEFAULT_JSON_LIMITS, parseJson } from '@warren/kernel';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { commonError } from './problem.ts';

const CHARSET_UTF8 = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/** Only `application/json` in UTF-8, not encoded; parsed by the kernel, so that every door has the same limits. */
export function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, _reply, done) => {
    const encoding = request.headers['content-encoding'];
    done(encoding === undefined || encoding === 'identity' ? undefined : commonError('REQUEST_MEDIA_UNSUPPORTED'));
  });
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, parseBody(request, typeof body === 'string' ? Buffer.from(body) : body));
    } catch (error) {
      done(error instanceof Error ? error : commonError('REQUEST_INVALID'));
    }
  });
}

function parseBody(request: FastifyRequest, body: Buffer): unknown {
  if (!CHARSET_UTF8.test(request.headers['content-type'] ?? '')) throw commonError('REQUEST_MEDIA_UNSUPPORTED');
  const maxBytes = request.routeOptions.bodyLimit ?? DEFAULT_JSON_LIMITS.maxBytes;
  return body.length === 0 ? {} : parseJson(body, { ...DEFAULT_JSON_LIMITS, maxBytes });
}
