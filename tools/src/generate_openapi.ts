import { gatewayDocuments } from '@warren/session';
import { keepDocument } from './api/keep_document.ts';
import { openApiProblems } from './api/validate_document.ts';

const { openapi } = gatewayDocuments();
process.exitCode = keepDocument(
  { file: 'docs/api/openapi.json', document: openapi, problemsOf: openApiProblems },
  process.argv.slice(2),
);
