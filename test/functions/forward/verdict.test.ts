import { describe, expect, it } from 'vitest';
import type { ReceiverKind } from '../../../functions/config/types.ts';
import { verdictOf } from '../../../functions/forward/verdict.ts';
import type { Verdict } from '../../../functions/model.ts';

const T: ReceiverKind = 'thanos';
const P: ReceiverKind = 'prometheus';
const M: ReceiverKind = 'mimir';
const V: ReceiverKind = 'victoriametrics';

describe('verdictOf', () => {
  const cases: readonly [kind: ReceiverKind, status: number, words: string, want: Partial<Verdict>][] = [
    [T, 200, '', { kind: 'done' }],
    [P, 204, '', { kind: 'done' }],
    [P, 202, '', { kind: 'done' }],
    [T, 409, 'add 3 samples: out of order sample', { kind: 'partly_refused', onlyRepeats: false }],
    [T, 409, 'add 3 samples: out of bounds', { kind: 'partly_refused', onlyRepeats: false }],
    [T, 409, 'add 1 samples: duplicate sample for timestamp', { kind: 'partly_refused', onlyRepeats: true }],
    [T, 409, 'add 1 samples: duplicate sample for timestamp; add 2 samples: out of bounds', { kind: 'partly_refused', onlyRepeats: false }],
    [T, 409, 'add 1 exemplars: out of order exemplar', { kind: 'done' }],
    [T, 409, '2 errors: add 1 exemplars: out of order exemplar; add 2 exemplars: duplicate exemplar', { kind: 'done' }],
    [T, 409, 'add 1 exemplars: label length for exemplar exceeds maximum of 128 UTF-8 characters', { kind: 'done' }],
    [T, 409, 'add 3 samples: out of bounds; add 1 exemplars: out of order exemplar', { kind: 'partly_refused', onlyRepeats: false }],
    [T, 409, 'conflict', { kind: 'partly_refused', onlyRepeats: false }],
    [T, 409, '', { kind: 'partly_refused', onlyRepeats: false }],
    [T, 400, 'snappy: corrupt input', { kind: 'split', late: false, repeat: false }],
    [P, 400, 'out of order sample', { kind: 'split', late: true, repeat: true }],
    [P, 400, 'duplicate sample for timestamp', { kind: 'split', late: true, repeat: true }],
    [P, 400, 'out of bounds', { kind: 'split', late: true, repeat: false }],
    [P, 400, 'too old sample', { kind: 'split', late: true, repeat: false }],
    [P, 400, 'unexpected EOF', { kind: 'split', late: false, repeat: false }],
    [P, 422, 'no', { kind: 'split', late: false, repeat: false }],
    [M, 400, 'the sample has been rejected because ... (err-mimir-sample-out-of-order)', { kind: 'partly_refused', onlyRepeats: false }],
    [M, 400, 'received a series with an invalid label (err-mimir-label-invalid)', { kind: 'partly_refused', onlyRepeats: false }],
    [M, 400, 'per-user series limit of 150000 exceeded (err-mimir-max-series-per-user)', { kind: 'partly_refused', onlyRepeats: false }],
    [M, 400, 'the request is too large (err-mimir-distributor-max-write-message-size)', { kind: 'shrink' }],
    [M, 400, 'snappy: corrupt input', { kind: 'split', late: false, repeat: false }],
    [M, 400, 'bad protobuf', { kind: 'split' }],
    [V, 400, 'cannot parse', { kind: 'split' }],
    [T, 413, 'too many samples', { kind: 'shrink' }],
    [T, 429, 'too many active series', { kind: 'retry' }],
    [T, 500, '', { kind: 'retry' }],
    [T, 503, 'Service Unavailable', { kind: 'retry' }],
    [P, 408, '', { kind: 'retry' }],
    [P, 425, '', { kind: 'retry' }],
    [P, 0, 'connection refused', { kind: 'retry' }],
    [P, 301, '', { kind: 'stop' }],
    [P, 302, '', { kind: 'stop' }],
    [P, 401, '', { kind: 'stop' }],
    [P, 403, '', { kind: 'stop' }],
    [P, 404, '', { kind: 'stop' }],
    [P, 405, '', { kind: 'stop' }],
    [P, 415, '', { kind: 'stop' }],
    [P, 418, '', { kind: 'stop' }],
  ];
  it.each(cases)('%s %i %j', (kind, status, words, want) => {
    expect(verdictOf({ status, words, retryAfterMs: undefined }, kind)).toMatchObject({ ...want, status, words });
  });

  it('passes on how long the receiver wants to be left alone', () => {
    expect(verdictOf({ status: 429, words: '', retryAfterMs: 7000 }, T)).toMatchObject({ kind: 'retry', afterMs: 7000 });
  });
});
