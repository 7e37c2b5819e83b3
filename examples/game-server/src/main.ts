import { readSettings, runServer } from './run_server.ts';

const settings = readSettings(process.env);
if (settings === undefined) process.exit(1);
await runServer(settings);
