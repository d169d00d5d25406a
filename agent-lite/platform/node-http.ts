import { createRequire } from 'node:module';

/**
 * Node's HTTP, loaded by `require`: an import reads all that the module exports, among it WebSocket, for which Node 22 and later load
 * a second HTTP client: 14 MB. What speaks TLS comes when it is first wanted, for another 5 MB.
 */
const load = createRequire(import.meta.url);

export const nodeHttp: typeof import('node:http') = load('node:http');
export const nodeHttps = (): typeof import('node:https') => load('node:https');
export const nodeTls = (): typeof import('node:tls') => load('node:tls');
