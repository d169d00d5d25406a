import type { WriteReply } from './handler.ts';

/** The answer as HTTP: senders log its text as it is. */
export function writeResponse({ status, message, retryAfterMs }: WriteReply): Response {
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  if (message !== '') headers['content-type'] = 'text/plain; charset=utf-8';
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  if (status === 401) headers['www-authenticate'] = 'Basic realm="relay", Bearer';
  return new Response(message === '' ? null : message, { status, headers });
}
