import type { Clone } from '../../clone/clone.ts';
import { settingsOf } from '../../env/secrets.ts';
import { brokerUrlOf } from '../../servers/service_urls.ts';
import { operatorPlaces } from '../operator_places.ts';

const OPS = 'ops';
const OPS_URL = 'OPS_RABBITMQ_URL';

/** The broker as the operator's user sees it. With OPS_RABBITMQ_URL no rights of an administrator are needed. */
export function opsUrl(clone: Clone): string {
  const given = settingsOf(clone, process.env)[OPS_URL];
  if (given !== undefined) return given;
  const { places, settings } = operatorPlaces(clone);
  return brokerUrlOf(places.rabbitmq, settings, OPS);
}
