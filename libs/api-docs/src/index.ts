export { asyncApiOf, clientAsyncApiOf } from './asyncapi/asyncapi_of.ts';
export { CLOSE_NOTES } from './asyncapi/close_notes.ts';
export type { DocumentedRoute } from './openapi/documented_route.ts';
export { openApiOf } from './openapi/openapi_of.ts';
export { asyncApiPage } from './page/asyncapi_page.ts';
export { PAGE_STYLES } from './page/page_styles.ts';
