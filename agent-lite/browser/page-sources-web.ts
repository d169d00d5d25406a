import { createPageCollector, type PageCollector, type PageSources } from './page-collector.ts';

export const createWebPageCollector = (): PageCollector => createPageCollector(pageSources());

/** Of the page or worker that this runs in. */
function pageSources(): PageSources {
  return {
    navigation() {
      const [entry] = performance.getEntriesByType('navigation');
      // Workers have no such entries, nor the class.
      return entry === undefined || !(entry instanceof PerformanceNavigationTiming) ? undefined : entry;
    },
    memory() {
      const memory: unknown = 'memory' in performance ? performance.memory : undefined;
      if (typeof memory !== 'object' || memory === null || !('usedJSHeapSize' in memory) || !('jsHeapSizeLimit' in memory))
        return undefined;
      return { usedJSHeapSize: Number(memory.usedJSHeapSize), jsHeapSizeLimit: Number(memory.jsHeapSizeLimit) };
    },
    online: () => navigator.onLine,
    storage: () => navigator.storage.estimate(),
    longTasks(add) {
      if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return undefined;
      const observer = new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) add(duration);
      });
      observer.observe({ type: 'longtask', buffered: true });
      return () => observer.disconnect();
    },
  };
}
