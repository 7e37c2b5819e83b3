import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { ApiDocument } from './openapi.ts';
import type { RouteIndex } from './route_index.ts';

/** The page loads nothing from elsewhere; inline styles are what the vendor's page needs. */
const PAGE_CSP =
  "default-src 'self'; base-uri 'self'; img-src 'self' data:; object-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/** Serves `/openapi.json` and, at `/docs`, a page in which the calls can be tried. */
export function addApiDocuments(app: FastifyInstance, routes: RouteIndex, document: ApiDocument): void {
  const text = JSON.stringify(document);
  routes.add('GET', '/openapi.json');
  routes.add('GET', '/docs');
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(text));
  app.register(swagger, { mode: 'static', specification: { document } });
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: PAGE_CSP,
    uiConfig: { deepLinking: true, tryItOutEnabled: true, displayRequestDuration: true },
  });
}
