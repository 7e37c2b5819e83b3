import { z } from 'zod';

/** Hours down to milliseconds, as compose writes durations; resolves to milliseconds. */
const Duration = z
  .string()
  .regex(/^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/)
  .min(2)
  .transform((text) => {
    const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
    return [...text.matchAll(/(\d+)(h|ms|m|s)/g)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units],
      0,
    );
  });

const NAME = /^[a-z][a-z0-9-]*$/;
const Name = z.string().regex(NAME);
const Text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const Healthcheck = z.strictObject({
  test: z.tuple([z.literal('CMD')], z.string()),
  interval: Duration,
  timeout: Duration,
  retries: z.int().min(1),
  start_period: Duration.optional(),
});

const Service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('.'), args: z.strictObject({ APP: Name }) }).optional(),
  command: z.array(z.string()).optional(),
  hostname: Name.optional(),
  user: Name,
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string().startsWith('/')).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  restart: z.enum(['no', 'unless-stopped']),
  stop_grace_period: Duration.optional(),
  // Environment names in capitals are what every tool agrees on.
  environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), Text).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string().regex(/^[a-z]+:\/[a-z/]+$/)).default([]),
  configs: z.array(z.strictObject({ source: Name, target: z.string().startsWith('/') })).default([]),
  healthcheck: Healthcheck.optional(),
  depends_on: z
    .record(
      Name,
      z.strictObject({ condition: z.enum(['service_healthy', 'service_started', 'service_completed_successfully']) }),
    )
    .default({}),
});
export type ComposeService = z.output<typeof Service>;

/** The part of the compose format that this project uses. Anything else is refused, a misspelt key among it. */
export const ComposeFile = z
  .looseObject({
    name: Name,
    services: z.record(Name, Service),
    configs: z.record(Name, z.strictObject({ content: z.string() })),
    volumes: z.record(Name, z.null()),
  })
  .superRefine((file, context) => {
    for (const key of Object.keys(file)) {
      if (!['name', 'services', 'configs', 'volumes'].includes(key) && !key.startsWith('x-'))
        context.addIssue({ code: 'custom', message: `unknown key ${key}`, path: [key] });
    }
  });
export type ComposeFile = z.output<typeof ComposeFile>;
