import type { WriteReply } from './handler.ts';

/** The answer as HTTP: senders log its text as it is. */
export function writeResponse({ status, message, retryAfterMs, written }: WriteReply): Response {
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  if (message !== '') headers['content-type'] = 'text/plain; charset=utf-8';
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  if (status === 401) headers['www-authenticate'] = 'Basic realm="relay", Bearer';
  if (written !== undefined) {
    headers['x-prometheus-remote-write-samples-written'] = String(written.samples);
    headers['x-prometheus-remote-write-histograms-written'] = String(written.histograms);
    headers['x-prometheus-remote-write-exemplars-written'] = String(written.exemplars);
  }
  return new Response(message === '' ? null : message, { status, headers });
}
