import { runService } from '@warren/app';
import { authService } from './service.ts';

await runService(authService);
