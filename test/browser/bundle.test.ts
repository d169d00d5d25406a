import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserBundle, bundleBrowser, checkSize, describeSizes, MOST_GZIPPED, sizeOf } from '../../infra/build-browser.ts';
import { openSite, type Site } from './harness/chromium.ts';

let bundle: BrowserBundle;
let site: Site;
beforeAll(async () => {
  bundle = await bundleBrowser();
  site = await openSite();
  await site.context.route(`${site.origin}/dist/**`, (route) => {
    const name = new URL(route.request().url()).pathname.slice('/dist/'.length);
    return route.fulfill({ contentType: 'text/javascript', body: Buffer.from(bundle.files.get(name) ?? '') });
  });
});
afterAll(() => site.close());

describe('the library for pages', () => {
  it(`takes at most ${MOST_GZIPPED} bytes gzipped`, () => {
    console.log(describeSizes(bundle));
    expect(sizeOf(bundle, bundle.atOnce).gzipped).toBeLessThanOrEqual(MOST_GZIPPED);
    checkSize(bundle);
    // Nothing that gzip makes smaller.
    const files = new Map([[bundle.entry, new Uint8Array(randomBytes(MOST_GZIPPED))]]);
    expect(() => checkSize({ ...bundle, files, atOnce: [bundle.entry] })).toThrow(
      new RegExp(`expected at most ${MOST_GZIPPED} bytes gzipped, got 6\\d{4}`),
    );
  });

  it('has regular expressions and YAML nowhere but behind the first rule', () => {
    const packages = (names: readonly string[]): readonly string[] =>
      names.flatMap((name) => {
        const { inputs = {} } = Object.entries(bundle.metafile.outputs).find(([path]) => path.endsWith(`/${name}`))?.[1] ?? {};
        return Object.keys(inputs).flatMap((input) => /^node_modules\/([^/]+)/.exec(input)?.[1] ?? []);
      });
    expect(packages(bundle.atOnce)).not.toContain('re2js');
    expect(packages(bundle.later)).toContain('re2js');
    expect([...packages(bundle.atOnce), ...packages(bundle.later)]).not.toContain('yaml');
  });

  it.each([
    { name: 'without rules', rules: [], loads: false },
    { name: 'with a rule', rules: [{ sourceLabels: ['__name__'], regex: 'a.*', action: 'drop' }], loads: true },
  ] as const)('runs in a page $name; loads relabelling: $loads', async ({ rules, loads }) => {
    const tab = await site.tab();
    const loaded: string[] = [];
    tab.on('request', (request) => loaded.push(new URL(request.url()).pathname.replace('/dist/', '')));
    const role = await tab.evaluate(
      async ([entry, metricRelabelConfigs, name]) => {
        // As text, since the tests' own loader would change it.
        const load = new Function('url', 'return import(url)') as (url: string) => Promise<typeof import('../../agent-lite/index.ts')>;
        const { createAgent } = await load(entry);
        const agent = createAgent({
          targets: [{ job: 'page', metrics: () => 'a 1\n', metricRelabelConfigs }],
          edgePush: { url: 'http://127.0.0.1:1', token: 'x' },
          log: { name },
        });
        await agent.start();
        const { role } = agent.status();
        await agent.stop(0);
        return role;
      },
      [`${site.origin}/dist/${bundle.entry}`, rules, `bundle-${loads}`] as const,
    );
    expect(role).toBe('leader');
    expect(bundle.later.some((name) => loaded.includes(name))).toBe(loads);
    await tab.close();
  });

  it('runs in a dedicated worker', async () => {
    const tab = await site.tab();
    const outcome = await tab.evaluate((entry) => {
      const script = `
        const { createAgent } = await import(${JSON.stringify(entry)});
        const agent = createAgent({
          targets: [{ job: 'worker', metrics: () => 'a 1\\n', scrapeIntervalMs: 100, instance: 'worker' }],
          edgePush: { url: 'http://127.0.0.1:1', token: 'x' },
          log: { name: 'worker' },
        });
        agent.on('scrape', async ({ samples }) => {
          await agent.stop(0);
          postMessage({ samples, role: agent.status().role });
        });
        await agent.start();`;
      const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), { type: 'module' });
      return new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => resolve(message);
      });
    }, `${site.origin}/dist/${bundle.entry}`);
    expect(outcome).toEqual({ samples: 1, role: 'stopped' });
    await tab.close();
  });
});
