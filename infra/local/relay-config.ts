import { parseRelayConfig } from '../../functions/config/parse.ts';

/** Checks a relay configuration before the edge starts with it. Throws with every fault, each with its place. */
export function checkRelayConfig(file: string, text: string): void {
  const config = parseRelayConfig(text, file);
  if (config.ok) return;
  throw new Error(config.error.map(({ message }) => message).join('\n'));
}
