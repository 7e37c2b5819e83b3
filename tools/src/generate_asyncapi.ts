import { keepDocument } from './api/keep_document.ts';
import { systemAsyncApi } from './api/system_asyncapi.ts';
import { asyncApiProblems } from './api/validate_document.ts';

process.exitCode = keepDocument(
  { file: 'docs/api/asyncapi.json', document: systemAsyncApi(), problemsOf: asyncApiProblems },
  process.argv.slice(2),
);
