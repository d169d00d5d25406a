import type { PageCollector } from './page-collector.ts';

/** The page's own metrics, of which the code is loaded when they are wanted. Where that fails the next scrape tries again. */
export function lateCollector(load: () => Promise<PageCollector>): PageCollector {
  let loading: Promise<PageCollector> | undefined;
  let counting = false;
  const loaded = (): Promise<PageCollector> => {
    loading ??= load().then(
      (collector) => {
        if (counting) collector.start();
        return collector;
      },
      (cause: unknown) => {
        loading = undefined;
        throw cause;
      },
    );
    return loading;
  };
  return {
    start() {
      counting = true;
      // A failure is told by the scrape.
      loaded().then(
        (collector) => collector.start(),
        () => undefined,
      );
    },
    stop() {
      counting = false;
      loading?.then(
        (collector) => collector.stop(),
        () => undefined,
      );
    },
    expose: async () => (await loaded()).expose(),
  };
}
