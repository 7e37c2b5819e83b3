import fs from 'node:fs';
import path from 'node:path';
import { SERVICES } from '@warren/rabbit';
import { REPO } from '../../e2e/support/app_process.ts';
import type { ComposeFile, ComposeService } from './compose_schema.ts';

const MIN_GRACE_MS = 20_000;
const FIRST_ADMIN_PORT = 9100;
/** Ports of management and of the admin servers: they show too much and serve nobody outside. */
const PRIVATE_PORTS = new Set(['15672', ...SERVICES.map((_, index) => String(FIRST_ADMIN_PORT + index))]);
const EXACT_TAG = /^[a-z0-9.]+(?:\/[a-z0-9-]+)+:\d+\.\d+(?:\.\d+)?(?:-[a-z0-9]+)?$/;
const PORT = /^127\.0\.0\.1:(\d*|\$\{[A-Z_]+:-\d+\}):(\d+)$/;

type Rule = (service: ComposeService, name: string, file: ComposeFile) => string[];
const when = (broken: boolean, fault: string): string[] => (broken ? [fault] : []);

const RULES: readonly Rule[] = [
  function dependencies({ depends_on }, _name, { services }) {
    return Object.entries(depends_on).flatMap(([target, { condition }]) => {
      const other = services[target];
      if (other === undefined) return [`depends on ${target}, which is no service`];
      const ends = other.restart === 'no';
      return [
        ...when(
          condition === 'service_healthy' && other.healthcheck === undefined,
          `waits for the health of ${target}, which has no check`,
        ),
        ...when((condition === 'service_completed_successfully') !== ends, `waits for ${target} in the wrong way`),
      ];
    });
  },
  function volumes({ volumes }, _name, file) {
    const named = volumes.map((volume) => volume.split(':')[0] ?? '');
    return named.flatMap((volume) => when(!(volume in file.volumes), `uses volume ${volume}, which is not declared`));
  },
  function configs({ configs }, _name, file) {
    return configs.flatMap(({ source }) =>
      when(!(source in file.configs), `takes config ${source}, which is not there`),
    );
  },
  function ports({ ports }) {
    return ports.flatMap((port) => {
      const [, , inside] = PORT.exec(port) ?? [];
      if (inside === undefined) return [`publishes ${port}, which is not bound to 127.0.0.1`];
      return when(PRIVATE_PORTS.has(inside), `publishes the private port ${inside}`);
    });
  },
  function images({ image, build }, name) {
    if (build === undefined) return when(!EXACT_TAG.test(image), `takes image ${image}, whose tag is not exact`);
    return when(!image.startsWith('warren-') || name === '', `builds an image with the foreign name ${image}`);
  },
  function account({ user }) {
    return when(user === 'root', 'runs as root');
  },
  function commands({ command, build }) {
    const script = build === undefined ? undefined : command?.find((part) => part.endsWith('.ts'));
    const app = build?.args.APP ?? '';
    const start = script ?? (build === undefined ? undefined : `apps/${app}/src/main.ts`);
    return start === undefined
      ? []
      : when(!fs.existsSync(path.join(REPO, start)), `starts ${start}, which is not there`);
  },
  function ownImages({ build, init, cap_drop, security_opt, read_only }) {
    if (build === undefined) return [];
    return [
      ...when(init !== true, 'has no init'),
      ...when(read_only !== true, 'may write to its image'),
      ...when(cap_drop?.join() !== 'ALL', 'keeps capabilities'),
      ...when(!security_opt?.includes('no-new-privileges:true'), 'may gain privileges'),
    ];
  },
  function grace({ stop_grace_period, restart, environment }) {
    if (restart === 'no') return [];
    const grace = stop_grace_period ?? 0;
    const own = Number(environment['SHUTDOWN_GRACE_MS'] ?? 10_000);
    return [
      ...when(grace < MIN_GRACE_MS, `is killed after ${grace} ms`),
      ...when(grace <= own, `is killed before its own grace of ${own} ms is over`),
    ];
  },
];

/** What is wrong with a compose file, as sentences without their subject's article; none when it is right. */
export function composeFaults(file: ComposeFile): string[] {
  const services = Object.entries(file.services);
  const faults = services.flatMap(([name, service]) =>
    RULES.flatMap((rule) => rule(service, name, file).map((fault) => `${name} ${fault}`)),
  );
  const published = services.flatMap(([, { ports }]) => ports.map((port) => PORT.exec(port)?.[1] ?? ''));
  const fixed = published.map((port) => /(\d+)\}?$/.exec(port)?.[1] ?? '').filter((port) => port !== '');
  const used = new Set(services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(':')[0] ?? '')));
  return [
    ...faults,
    ...when(new Set(fixed).size !== fixed.length, 'two services publish the same port'),
    ...Object.keys(file.volumes).flatMap((volume) => when(!used.has(volume), `volume ${volume} is used by nobody`)),
  ];
}
