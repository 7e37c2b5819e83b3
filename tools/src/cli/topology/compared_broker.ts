import { type BrokerAdmin, exportDefinitions, unwrapAdminResult } from '@warren/provision';
import { type BrokerDefinitionsFile, wholeDefinitions } from '@warren/rabbit';
import type { Clone } from '../../clone/clone.ts';
import { declaredAt } from '../../setup/setup_broker.ts';
import { ToolError } from '../../tool_error.ts';
import { type Change, driftOf } from '../../topology/drift.ts';
import { operatorPlaces } from '../operator_places.ts';

/** The broker that the operator's commands work on, and what is declared for it. */
export class ComparedBroker {
  readonly declared: BrokerDefinitionsFile;
  readonly vhost: string;
  readonly admin: BrokerAdmin;

  /** @throws ToolError when nobody may look into the broker */
  constructor(clone: Clone) {
    const { places, settings } = operatorPlaces(clone);
    const { admin, vhost } = places.rabbitmq;
    if (admin === undefined)
      throw new ToolError('Only an administrator sees what the broker has: set RABBITMQ_ADMIN_URL.');
    this.admin = admin;
    this.vhost = vhost;
    this.declared = wholeDefinitions(declaredAt(places.rabbitmq, settings));
  }

  async drift(): Promise<readonly Change[]> {
    return driftOf(this.declared, unwrapAdminResult(await exportDefinitions(this.admin)));
  }
}
