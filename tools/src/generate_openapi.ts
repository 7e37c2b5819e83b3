import { gatewayDocuments } from '@warren/session';
import { openApiChanges } from './api/changes/openapi_changes.ts';
import { keepDocument } from './api/keep_document.ts';
import { openApiProblems } from './api/validate_document.ts';

const { openapi } = gatewayDocuments();
process.exitCode = keepDocument(
  { file: 'docs/api/openapi.json', document: openapi, problemsOf: openApiProblems, compare: openApiChanges },
  process.argv.slice(2),
);
