import { describe, expect, it } from 'vitest';
import { createPageCollector, type PageSources } from '../../../agent-lite/browser/page-collector.ts';

const nothing: PageSources = {
  navigation: () => undefined,
  memory: () => undefined,
  online: () => false,
  storage: () => Promise.reject(new Error('not here')),
  longTasks: () => undefined,
};

const samples = (text: string): Record<string, number> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' '))
      .map(([name, value]) => [name, Number(value)]),
  );

describe('page collector', () => {
  it('leaves out what the browser does not tell', async () => {
    const collector = createPageCollector(nothing);
    collector.start();
    expect(samples(await collector.expose())).toEqual({ page_online: 0 });
  });

  it('tells seconds and bytes, and nothing of what has not happened yet', async () => {
    const collector = createPageCollector({
      ...nothing,
      navigation: () => ({ responseStart: 120, domContentLoadedEventEnd: 300, loadEventEnd: 0 }),
      memory: () => ({ usedJSHeapSize: 5, jsHeapSizeLimit: 10 }),
      storage: () => Promise.resolve({ usage: 7, quota: 70 }),
    });
    expect(samples(await collector.expose())).toEqual({
      page_navigation_response_seconds: 0.12,
      page_navigation_dom_seconds: 0.3,
      page_heap_used_bytes: 5,
      page_heap_limit_bytes: 10,
      page_online: 0,
      page_storage_used_bytes: 7,
      page_storage_quota_bytes: 70,
    });
  });

  it('counts long tasks while it runs, and goes on where it was', async () => {
    let add: ((ms: number) => void) | undefined;
    const collector = createPageCollector({
      ...nothing,
      longTasks(listener) {
        add = listener;
        return () => {
          add = undefined;
        };
      },
    });
    collector.start();
    collector.start();
    add?.(60);
    add?.(140);
    collector.stop();
    expect(add).toBeUndefined();
    collector.start();
    add?.(50);
    expect(samples(await collector.expose())).toMatchObject({ page_long_tasks_total: 3, page_long_task_seconds_total: 0.25 });
  });
});
