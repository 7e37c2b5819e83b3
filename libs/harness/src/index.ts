export { AppProcess, type LogLine, REPO } from './app_process.ts';
export { ROLES, type Role, WarrenSystem } from './warren_system.ts';
