import { env } from 'cloudflare:workers';
import { r2Store } from '../../functions/buffer/r2.ts';
import { objectStoreSuite } from '../suites/object-store.ts';

objectStoreSuite('R2', () => ({
  store: r2Store(env.BUFFER),
  // The local R2 does not limit writes to one key.
  aSecondLater: () => {},
}));
