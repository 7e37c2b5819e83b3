import { runService } from '@warren/app';
import { coordinatorService } from './service.ts';

await runService(coordinatorService);
