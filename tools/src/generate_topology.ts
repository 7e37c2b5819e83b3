import { keepPage } from './documents/keep_page.ts';
import { topologyPage } from './topology/topology_page.ts';

process.exitCode = keepPage('docs/topology.md', topologyPage(), process.argv.slice(2));
