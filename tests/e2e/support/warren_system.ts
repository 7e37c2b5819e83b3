export { ROLES, type Role, WarrenSystem } from '@warren/harness';
