import { formatConfigErrors, parseRelayConfig } from '../../functions/config/parse.ts';

/** Checks a relay configuration before the edge starts with it. Throws with every fault, each with its place. */
export function checkRelayConfig(file: string, text: string): void {
  const config = parseRelayConfig(text, file);
  if (!config.ok) throw new Error(`the relay configuration is not valid:\n${formatConfigErrors(config.error)}`);
}
