import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { RouteIndex } from './route_index.ts';

/** The parts of an OpenAPI document that the page looks at; the rest is plain JSON. */
interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Record<string, Record<string, unknown>>;
  readonly components: Record<string, unknown>;
}

/** The documents of an API, made elsewhere. */
export interface ApiDocuments {
  readonly openapi: OpenApiDocument;
  readonly asyncapi: object;
  /** The AsyncAPI document as a page, which takes its looks from `/docs/asyncapi.css`. */
  readonly page: string;
  readonly styles: string;
}

/** The page loads nothing from elsewhere; inline styles are what the vendor's page needs. */
const VENDOR_PAGE_CSP =
  "default-src 'self'; base-uri 'self'; img-src 'self' data:; object-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";
/** Our own page is text and a style sheet: nothing on it runs. */
const OWN_PAGE_CSP =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Serves `/openapi.json` and, at `/docs`, a page in which the calls can be tried; `/asyncapi.json` and, at
 * `/docs/asyncapi`, the same of the WebSockets to read.
 */
export function addApiDocuments(app: FastifyInstance, routes: RouteIndex, documents: ApiDocuments): void {
  const texts: readonly (readonly [path: string, type: string, text: string])[] = [
    ['/openapi.json', 'application/json', JSON.stringify(documents.openapi)],
    ['/asyncapi.json', 'application/json', JSON.stringify(documents.asyncapi)],
    ['/docs/asyncapi', 'text/html', documents.page],
    ['/docs/asyncapi.css', 'text/css', documents.styles],
  ];
  for (const [path, type, text] of texts) {
    routes.add('GET', path);
    app.get(path, (_request, reply) => withPolicy(reply, type).type(`${type}; charset=utf-8`).send(text));
  }
  routes.add('GET', '/docs');
  app.register(swagger, { mode: 'static', specification: { document: documents.openapi } });
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: VENDOR_PAGE_CSP,
    uiConfig: { deepLinking: true, tryItOutEnabled: true, displayRequestDuration: true },
  });
}

const withPolicy = (reply: FastifyReply, type: string): FastifyReply =>
  type === 'text/html' ? reply.header('content-security-policy', OWN_PAGE_CSP) : reply;
