import { runService } from '@warren/app';
import { allocatorService } from './service.ts';

await runService(allocatorService);
