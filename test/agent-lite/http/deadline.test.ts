import { expect, it } from 'vitest';
import { createWebClient } from '../../../agent-lite/http/client-web.ts';
import { withDeadline } from '../../../agent-lite/http/deadline.ts';
import type { HttpRequest } from '../../../agent-lite/model.ts';
import { sleep } from '../../../agent-lite/platform/sleep.ts';

const request = (signal: AbortSignal): HttpRequest => ({
  ...{ method: 'GET', url: 'http://127.0.0.1/', headers: {}, timeoutMs: 60_000, maxBytes: 0, signal },
});
const GIVEN_UP = { name: 'HttpError', message: 'the request was given up' };

it('of a request that is given up already nothing is sent', async () => {
  let sent = 0;
  await expect(withDeadline(request(AbortSignal.abort()), { sleep }, async () => sent++)).rejects.toMatchObject(GIVEN_UP);
  const web = createWebClient({
    fetch: async () => {
      sent++;
      return new Response('');
    },
    readAll: async () => new Uint8Array(0),
    ...{ clock: { sleep }, keepalive: false, followRedirects: false },
  });
  await expect(web.request(request(AbortSignal.abort()))).rejects.toMatchObject(GIVEN_UP);
  expect(sent).toBe(0);
});

it('a request that is given up on its way ends by its signal', async () => {
  const giving = new AbortController();
  const ended = withDeadline(
    request(giving.signal),
    { sleep },
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  giving.abort();
  await expect(ended).rejects.toMatchObject(GIVEN_UP);
});
