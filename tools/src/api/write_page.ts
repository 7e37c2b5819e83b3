import fs from 'node:fs';
import path from 'node:path';
import { asyncApiPage } from '@warren/api-docs';
import { systemAsyncApi } from './system_asyncapi.ts';

/** Writes the page of everything that travels between services into a folder. @returns the file */
export function writePage(folder: string): string {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'asyncapi.html');
  fs.writeFileSync(file, asyncApiPage(systemAsyncApi(), 'within'));
  return file;
}
