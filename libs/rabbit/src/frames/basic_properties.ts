import type { FieldReader } from './field_reader.ts';
import { PROPERTY } from './frame_constants.ts';

/** The properties of a received message; every field is there, so that all of them have one shape. */
export class BasicProperties {
  contentType: string | undefined = undefined;
  contentEncoding: string | undefined = undefined;
  headers: Record<string, unknown> | undefined = undefined;
  deliveryMode: number | undefined = undefined;
  priority: number | undefined = undefined;
  correlationId: string | undefined = undefined;
  replyTo: string | undefined = undefined;
  expiration: string | undefined = undefined;
  messageId: string | undefined = undefined;
  timestamp: number | undefined = undefined;
  type: string | undefined = undefined;
  userId: string | undefined = undefined;
  appId: string | undefined = undefined;
  clusterId: string | undefined = undefined;
}

/** Reads the properties of a content header from their flags on. Undefined for a broken frame. */
export function readProperties(reader: FieldReader): BasicProperties | undefined {
  const flags = reader.short();
  if ((flags & PROPERTY.more) !== 0) return undefined;
  const found = new BasicProperties();
  if ((flags & PROPERTY.contentType) !== 0) found.contentType = reader.knownString();
  if ((flags & PROPERTY.contentEncoding) !== 0) found.contentEncoding = reader.knownString();
  if ((flags & PROPERTY.headers) !== 0) found.headers = reader.table();
  if ((flags & PROPERTY.deliveryMode) !== 0) found.deliveryMode = reader.octet();
  if ((flags & PROPERTY.priority) !== 0) found.priority = reader.octet();
  readIdentity(reader, flags, found);
  return reader.complete ? found : undefined;
}

function readIdentity(reader: FieldReader, flags: number, found: BasicProperties): void {
  if ((flags & PROPERTY.correlationId) !== 0) found.correlationId = reader.shortString();
  if ((flags & PROPERTY.replyTo) !== 0) found.replyTo = reader.knownString();
  if ((flags & PROPERTY.expiration) !== 0) found.expiration = reader.shortString();
  if ((flags & PROPERTY.messageId) !== 0) found.messageId = reader.shortString();
  if ((flags & PROPERTY.timestamp) !== 0) found.timestamp = reader.longLong();
  if ((flags & PROPERTY.type) !== 0) found.type = reader.knownString();
  if ((flags & PROPERTY.userId) !== 0) found.userId = reader.knownString();
  if ((flags & PROPERTY.appId) !== 0) found.appId = reader.knownString();
  if ((flags & PROPERTY.clusterId) !== 0) found.clusterId = reader.shortString();
}
