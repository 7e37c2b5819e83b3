export { tempDatabase, type TempDatabase } from './temp_database.ts';
export { tempRedis, type TempRedis } from './temp_redis.ts';
export { importIntoVhost, tempVhost, type TempVhost, type VhostContent } from './temp_vhost.ts';
export { readTestSettings, type TestSettings } from './test_settings.ts';
