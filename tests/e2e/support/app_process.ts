export { AppProcess, type LogLine, REPO } from '@warren/harness';
