import type { S3Settings } from '../../functions/buffer/s3.ts';

/** What set-ups hand to tests by vitest's `provide` and `inject`. */
declare module 'vitest' {
  interface ProvidedContext {
    readonly s3: S3Settings;
  }
}
