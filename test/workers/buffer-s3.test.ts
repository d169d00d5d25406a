import { expect, inject, it } from 'vitest';
import { honoursConditions } from '../../functions/buffer/open.ts';
import { s3Store } from '../../functions/buffer/s3.ts';
import { platformClock } from '../../functions/clock.ts';
import type {} from '../setup/provided.ts';
import { objectStoreSuite } from '../suites/object-store.ts';
import { unusedTablesSuite } from '../suites/unused-tables.ts';

/** The SDK as the Worker has it: its XML needs the alias of wrangler.toml, which vitest.config.ts repeats. */
const open = () => s3Store(inject('s3'), platformClock);

const onServer = () => ({
  store: open(),
  // The local S3 does not limit writes to one key.
  aSecondLater: () => {},
});
objectStoreSuite('S3 inside workerd', onServer);
unusedTablesSuite('S3 inside workerd', onServer);

it('knows inside workerd that this server honours If-None-Match', async () => {
  expect(await honoursConditions(open(), 'ready/a')).toBe(true);
});

it('reads the errors of the server inside workerd', async () => {
  const store = s3Store({ ...inject('s3'), secretAccessKey: 'wrong' }, platformClock);
  await expect(store.list('a')).rejects.toThrow();
  await expect(s3Store({ ...inject('s3'), bucket: 'none' }, platformClock).get('a')).rejects.toMatchObject({ name: 'NoSuchBucket' });
});
