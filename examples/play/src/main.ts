import { playAgainstBot } from './play_against_bot.ts';

const gatewayUrl = process.argv[2] ?? process.env['WARREN_GATEWAY_URL'] ?? 'http://127.0.0.1:8080';
try {
  await playAgainstBot(gatewayUrl, process.env);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
