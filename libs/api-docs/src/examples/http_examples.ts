import { isJson, type Json } from '../json.ts';
import type { ApiDocument } from '../openapi/documented_route.ts';
import { exampleOf } from './example_of.ts';

/** Gives every parameter, body and reply of an OpenAPI document its example. */
export function addHttpExamples(document: ApiDocument): ApiDocument {
  const schemas = schemasOf(document.components);
  const paths = Object.entries(document.paths).map(([path, item]) => {
    const operations = Object.entries(item).map(([method, operation]) => [method, withExamples(operation, schemas)]);
    return [path, Object.fromEntries(operations)] as const;
  });
  return { ...document, paths: Object.fromEntries(paths) };
}

/** The shared schemas of an OpenAPI or AsyncAPI document. */
function schemasOf(components: Json): Record<string, Json> {
  const { schemas } = components;
  if (!isJson(schemas)) return {};
  return Object.fromEntries(Object.entries(schemas).filter((entry): entry is [string, Json] => isJson(entry[1])));
}

function withExamples(operation: Json, schemas: Readonly<Record<string, Json>>): Json {
  const { parameters, requestBody, responses } = operation;
  return {
    ...operation,
    ...(Array.isArray(parameters) ? { parameters: parameters.map((one) => ofParameter(one, schemas)) } : {}),
    ...(isJson(requestBody) ? { requestBody: ofContent(requestBody, schemas) } : {}),
    ...(isJson(responses) ? { responses: mapped(responses, (one) => ofContent(one, schemas)) } : {}),
  };
}

function ofParameter(parameter: unknown, schemas: Readonly<Record<string, Json>>): unknown {
  if (!isJson(parameter) || 'example' in parameter) return parameter;
  return { ...parameter, example: exampleOf(parameter['schema'], schemas, String(parameter['name'])) };
}

/** Problem documents have their examples already, one per code. */
function ofContent(holder: Json, schemas: Readonly<Record<string, Json>>): Json {
  const { content } = holder;
  if (!isJson(content)) return holder;
  return {
    ...holder,
    content: mapped(content, (media) =>
      'examples' in media ? media : { ...media, example: exampleOf(media['schema'], schemas) },
    ),
  };
}

function mapped(record: Json, change: (value: Json) => Json): Json {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, isJson(value) ? change(value) : value]));
}
