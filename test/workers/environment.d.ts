/// <reference types="@cloudflare/vitest-plugin/types" />

declare namespace Cloudflare {
  type Bindings = import('../../functions/bindings.ts').Bindings;
  interface Env extends Bindings {}
  interface GlobalProps {
    mainModule: typeof import('../../functions/index.ts');
  }
}
