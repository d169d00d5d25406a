import { resolve } from 'node:path';
import { readAdminToken } from '../local/dev-vars.ts';
import { runRelay } from './relay.ts';

process.exitCode = await runRelay(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  fetch: (url, init) => fetch(url, init),
  localAdminToken: () => readAdminToken(resolve(import.meta.dirname, '../../.dev.vars')),
});
