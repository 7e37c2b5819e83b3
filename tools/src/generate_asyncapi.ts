import { asyncApiChanges } from './api/changes/asyncapi_changes.ts';
import { keepDocument } from './api/keep_document.ts';
import { systemAsyncApi } from './api/system_asyncapi.ts';
import { asyncApiProblems } from './api/validate_document.ts';

process.exitCode = keepDocument(
  {
    file: 'docs/api/asyncapi.json',
    document: systemAsyncApi(),
    problemsOf: asyncApiProblems,
    compare: asyncApiChanges,
  },
  process.argv.slice(2),
);
