/// <reference types="@cloudflare/vitest-plugin/types" />

declare namespace Cloudflare {
  type Bindings = import('../../functions/bindings.ts').Bindings;
  interface Env extends Bindings {
    readonly BUFFER: R2Bucket;
  }
  interface GlobalProps {
    mainModule: typeof import('../../functions/index.ts');
  }
}
