/** What a request says it is: a message of remote write 1.0 or 2.0, in a snappy block. */
export type Message = 'v1' | 'v2';

const MESSAGES: Readonly<Record<string, Message>> = {
  'prometheus.WriteRequest': 'v1',
  'io.prometheus.write.v2.Request': 'v2',
};

/**
 * By `Content-Type` and `Content-Encoding`, before anything is read. As in Prometheus a missing type means 1.0 and a missing
 * encoding snappy; white space around parameters is allowed, which Prometheus does not do.
 *
 * @returns undefined: 415
 */
export function negotiate(headers: Headers): Message | undefined {
  const encoding = (headers.get('content-encoding') ?? '').trim().toLowerCase();
  if (encoding !== '' && encoding !== 'snappy') return undefined;
  const contentType = (headers.get('content-type') ?? '').trim();
  if (contentType === '') return 'v1';
  const [media, ...parameters] = contentType.split(';').map((part) => part.trim());
  if (media?.toLowerCase() !== 'application/x-protobuf') return undefined;
  for (const parameter of parameters) {
    const [, name, value] = /^([^=]*)=(.*)$/.exec(parameter) ?? [];
    if (name?.trim().toLowerCase() === 'proto') return MESSAGES[(value ?? '').trim().replace(/^"(.*)"$/, '$1')];
  }
  return 'v1';
}

export const UNSUPPORTED = `expected Content-Encoding: snappy and Content-Type: application/x-protobuf, with proto=${Object.keys(MESSAGES).join(' or ')}`;
