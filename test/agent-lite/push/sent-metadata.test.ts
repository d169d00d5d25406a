import { expect, it } from 'vitest';
import { RESEND_METADATA_MS, SentMetadata } from '../../../agent-lite/push/sent-metadata.ts';
import type { FamilyMetadata } from '../../../contract/metadata.ts';

const families = (help: string): readonly FamilyMetadata[] => [{ family: 'a', type: 'gauge', help, unit: '' }];

it('metadata are due until they were acknowledged, when they change, and after twelve hours', () => {
  const sent = new SentMetadata();
  const key = sent.due('t', families('1'), 0)?.key ?? '';
  expect(sent.due('t', families('1'), 1)?.key).toBe(key);
  sent.set(new Map([['t', key]]), 10);
  expect(sent.due('t', families('1'), 11)).toBeUndefined();
  expect(sent.due('other', families('1'), 11)?.key).toBe(key);
  expect(sent.due('t', families('2'), 11)?.key).not.toBe(key);
  expect(sent.due('t', families('1'), 9 + RESEND_METADATA_MS)).toBeUndefined();
  expect(sent.due('t', families('1'), 10 + RESEND_METADATA_MS)?.key).toBe(key);
  expect(sent.due('t', [], 0)).toBeUndefined();
});

it('the target not sent for longest is forgotten', () => {
  const sent = new SentMetadata();
  const { key, bytes } = sent.due('t', families('1'), 0) ?? { key: '', bytes: 0 };
  expect(bytes).toBe(7);
  sent.set(new Map(Array.from({ length: 10_001 }, (_, i) => [`t${i}`, key])), 0);
  expect(sent.due('t0', families('1'), 1)).toBeDefined();
  expect(sent.due('t1', families('1'), 1)).toBeUndefined();
});
