import { runService } from '@warren/app';
import { gatewayService } from './service.ts';

await runService(gatewayService);
