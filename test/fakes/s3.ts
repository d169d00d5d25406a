import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import type { S3Settings } from '../../functions/buffer/s3.ts';

export interface LocalS3 extends AsyncDisposable {
  readonly settings: S3Settings;
}

/** A real S3 server on a free port of this machine: the one that Miniflare puts before its R2. */
export async function startS3(): Promise<LocalS3> {
  const credentials = { accessKeyId: 'key-for-tests', secretAccessKey: 'secret-for-tests' };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: 'export default { fetch: () => new Response() };',
      host: '127.0.0.1',
      port: 0,
      compatibilityDate: '2026-10-30',
      r2Buckets: { BUFFER: { id: 'buffer', s3Credentials: credentials } },
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.ERROR),
    }),
  );
  const { origin } = await miniflare.ready;
  const settings = { endpoint: `${origin}/cdn-cgi/local/r2/s3`, bucket: 'buffer', region: 'auto', ...credentials };
  return { settings, [Symbol.asyncDispose]: () => miniflare.dispose() };
}
