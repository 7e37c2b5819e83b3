import { z } from 'zod';

const Arguments = z.record(z.string(), z.unknown());
const InVhost = { vhost: z.string() };
/** A list of tags, or the same in one string. */
const Tags = z
  .union([z.array(z.string()), z.string().transform((text) => text.split(',').filter((tag) => tag !== ''))])
  .readonly();

/**
 * What a broker says it has, in all its vhosts: the form of BrokerDefinitions. Of users only name and tags are read; queues
 * of one connection are left out by the broker, but not their bindings.
 */
export const ExportedDefinitions = z.object({
  vhosts: z.array(z.object({ name: z.string() })),
  users: z.array(z.object({ name: z.string(), tags: Tags })),
  permissions: z.array(
    z.object({ ...InVhost, user: z.string(), configure: z.string(), write: z.string(), read: z.string() }),
  ),
  topic_permissions: z.array(
    z.object({ ...InVhost, user: z.string(), exchange: z.string(), write: z.string(), read: z.string() }),
  ),
  exchanges: z.array(
    z.object({
      ...InVhost,
      name: z.string(),
      type: z.string(),
      durable: z.boolean(),
      auto_delete: z.boolean(),
      // the tool of 3.10 does not tell
      internal: z.boolean().default(false),
      arguments: Arguments,
    }),
  ),
  queues: z.array(
    z.object({
      ...InVhost,
      name: z.string(),
      durable: z.boolean(),
      auto_delete: z.boolean(),
      arguments: Arguments,
    }),
  ),
  bindings: z.array(
    z.object({
      ...InVhost,
      source: z.string(),
      destination: z.string(),
      destination_type: z.enum(['queue', 'exchange']),
      routing_key: z.string(),
      arguments: Arguments,
    }),
  ),
  policies: z.array(
    z.object({
      ...InVhost,
      name: z.string(),
      pattern: z.string(),
      'apply-to': z.string(),
      definition: Arguments,
      priority: z.number(),
    }),
  ),
});
export type ExportedDefinitions = z.infer<typeof ExportedDefinitions>;
