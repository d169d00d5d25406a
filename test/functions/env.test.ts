import { describe, expect, it } from 'vitest';
import { err, ok } from '../../contract/result.ts';
import { createSettingsReader, type ParseConfig, readSettings } from '../../functions/env.ts';
import { relayConfig, testReceiver } from '../fakes/relay-config.ts';

const KEY = 'k'.repeat(32);
const parse: ParseConfig = (text, file) =>
  text === 'good' ? ok(relayConfig) : err([{ message: `${file}:1: bad` }, { message: `${file}:2: worse` }]);
const S3 = { S3_ENDPOINT: 'https://s3/path', S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'hunter2' };
const read = (texts: Parameters<typeof readSettings>[0], bundled = 'good') => readSettings(texts, bundled, parse);

describe('readSettings', () => {
  it('takes the bundled configuration', () => {
    expect(read({ DEVICE_TOKEN_KEY: KEY })).toEqual(
      ok({ config: relayConfig, deviceTokenKey: KEY, metricsToken: undefined, adminToken: undefined }),
    );
  });

  it('prefers RELAY_CONFIG and RECEIVER_URL where they are set', () => {
    const texts = { DEVICE_TOKEN_KEY: KEY, METRICS_TOKEN: 'm', RELAY_CONFIG: 'good', RECEIVER_URL: 'http://h/w' };
    expect(read(texts, 'bad')).toMatchObject({
      ok: true,
      value: { metricsToken: 'm', config: { receivers: [{ url: 'http://h/w', name: 'test' }] } },
    });
    expect(read({ DEVICE_TOKEN_KEY: KEY, METRICS_TOKEN: '', RELAY_CONFIG: '', RECEIVER_URL: '' })).toEqual(read({ DEVICE_TOKEN_KEY: KEY }));
  });

  it('takes RECEIVER_URL only where there is one receiver that it can stand for', () => {
    const several = { ...relayConfig, receivers: [...relayConfig.receivers, { ...testReceiver, name: 'second' }] };
    const result = readSettings({ DEVICE_TOKEN_KEY: KEY, RECEIVER_URL: 'http://h/w' }, 'good', () => ok(several));
    const words = 'RECEIVER_URL: expected a configuration with one receiver, got 2. Set the address of each there.';
    expect(result).toEqual({ ok: false, error: [words] });
  });

  const bad: readonly [name: string, texts: Parameters<typeof readSettings>[0], lines: readonly RegExp[]][] = [
    ['no key', {}, [/^DEVICE_TOKEN_KEY: expected a secret, got none/]],
    ['a short key', { DEVICE_TOKEN_KEY: 'k'.repeat(31) }, [/at least 32 bytes, got 31/]],
    ['a short admin token', { DEVICE_TOKEN_KEY: KEY, ADMIN_TOKEN: 'kkk-hunter2' }, [/^ADMIN_TOKEN: expected at least 32 bytes, got 11/]],
    ['a bad configuration', { DEVICE_TOKEN_KEY: KEY, RELAY_CONFIG: 'x' }, [/^RELAY_CONFIG:1: bad/, /^RELAY_CONFIG:2: worse/]],
    ['an address without scheme', { DEVICE_TOKEN_KEY: KEY, RECEIVER_URL: 'receiver:9090/hunter2' }, [/^RECEIVER_URL: expected an http/]],
    ['no address', { DEVICE_TOKEN_KEY: KEY, RECEIVER_URL: 'hunter2' }, [/^RECEIVER_URL: expected an http/]],
    [
      'S3 by half',
      { DEVICE_TOKEN_KEY: KEY, S3_ENDPOINT: 'https://s3', S3_SECRET_ACCESS_KEY: 'hunter2' },
      [/^S3_BUCKET: .*got none/, /^S3_ACCESS_KEY_ID/],
    ],
    ['a region alone', { DEVICE_TOKEN_KEY: KEY, S3_REGION: 'r' }, [/^S3_ENDPOINT/, /^S3_BUCKET/, /^S3_ACCESS/, /^S3_SECRET/]],
    [
      'a password in the address of S3',
      { DEVICE_TOKEN_KEY: KEY, ...S3, S3_ENDPOINT: 'https://u:hunter2@s3' },
      [/^S3_ENDPOINT: expected an http/],
    ],
    ['a path for a bucket', { DEVICE_TOKEN_KEY: KEY, ...S3, S3_BUCKET: 'a/b' }, [/^S3_BUCKET: expected the name/]],
    ['everything', { RELAY_CONFIG: 'x', RECEIVER_URL: 'x' }, [/^DEVICE/, /:1:/, /:2:/, /^RECEIVER/]],
  ];
  it.each(bad)('refuses %s', (_name, texts, lines) => {
    const result = read(texts);
    expect(result.ok ? [] : result.error).toEqual(lines.map((line) => expect.stringMatching(line)));
    expect(JSON.stringify(result)).not.toContain('hunter2');
    expect(JSON.stringify(result)).not.toContain('kkk');
  });

  it('takes a bucket on S3', () => {
    const s3 = { endpoint: 'https://s3/path', bucket: 'b', region: 'us-east-1', accessKeyId: 'id', secretAccessKey: 'hunter2' };
    expect(read({ DEVICE_TOKEN_KEY: KEY, ...S3 })).toMatchObject({ ok: true, value: { s3 } });
    expect(read({ DEVICE_TOKEN_KEY: KEY, ...S3, S3_REGION: 'r' })).toMatchObject({ ok: true, value: { s3: { ...s3, region: 'r' } } });
    const empty = { S3_ENDPOINT: '', S3_BUCKET: '', S3_REGION: '', S3_ACCESS_KEY_ID: '', S3_SECRET_ACCESS_KEY: '' };
    expect(read({ DEVICE_TOKEN_KEY: KEY, ...empty })).toMatchObject({ ok: true, value: { s3: undefined } });
  });

  it('counts the bytes of a key, not its characters', () => {
    expect(read({ DEVICE_TOKEN_KEY: 'é'.repeat(16) }).ok).toBe(true);
  });
});

it('parses again only when a text has changed', () => {
  let parsed = 0;
  const reader = createSettingsReader('good', (...all) => {
    parsed++;
    return parse(...all);
  });
  expect(reader({ DEVICE_TOKEN_KEY: KEY })).toBe(reader({ DEVICE_TOKEN_KEY: KEY }));
  expect(parsed).toBe(1);
  expect(reader({ DEVICE_TOKEN_KEY: KEY, RELAY_CONFIG: 'bad' }).ok).toBe(false);
  expect(parsed).toBe(2);
});
