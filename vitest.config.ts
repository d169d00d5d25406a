import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { type Request, Response } from 'miniflare';
import { defineConfig } from 'vitest/config';

/** Secrets and variables of the Worker in tests. Nothing listens at the receiver's address: what is stored stays stored. */
const workerTestBindings = {
  DEVICE_TOKEN_KEY: 'a key for tests, of at least 32 bytes',
  METRICS_TOKEN: 'a-token-for-tests',
  ADMIN_TOKEN: 'an-admin-token-for-tests-of-32-bytes',
  RECEIVER_URL: 'http://127.0.0.1:1/api/v1/write',
};

/** A receiver behind a binding: it refuses, and tells what it was sent. */
async function tellRequest(request: Request): Promise<Response> {
  const told = {
    method: request.method,
    url: request.url,
    tenant: request.headers.get('THANOS-TENANT'),
    authorization: request.headers.get('authorization'),
    encoding: request.headers.get('content-encoding'),
    bytes: (await request.arrayBuffer()).byteLength,
  };
  return new Response(JSON.stringify(told), { status: 400 });
}

/** Four projects: `unit` on Node, `workers` inside workerd, `browser` with a real Chromium, `e2e` with real programs (see test/e2e/README.md). */
export default defineConfig({
  test: {
    maxWorkers: Math.max(1, availableParallelism()),
    // Where CI asks for reports, each run leaves one; infra/ci/summary.mjs adds them up.
    reporters:
      process.env['TEST_REPORTS'] === undefined
        ? ['default']
        : ['default', ['json', { outputFile: `${process.env['TEST_REPORTS']}/${process.pid}.json` }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workers/**', 'test/browser/**', 'test/e2e/**', 'test/differential/**'],
          testTimeout: 20_000,
          setupFiles: ['test/setup/seed.ts'],
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: { bindings: workerTestBindings, serviceBindings: { RECEIVE_NETWORK: tellRequest } },
          }),
        ],
        // As in wrangler.toml, whose aliases are not used here; for what is not inlined neither would this one be.
        resolve: {
          alias: { '@aws-sdk/xml-builder': join(import.meta.dirname, 'node_modules/@aws-sdk/xml-builder/dist-cjs/index.js') },
        },
        test: {
          name: 'workers',
          include: ['test/workers/**/*.test.ts'],
          testTimeout: 30_000,
          globalSetup: ['test/setup/s3.ts'],
          server: { deps: { inline: [/@aws-sdk/, /@smithy/] } },
        },
      },
      {
        // Each file starts a Chromium.
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // A browser has its own mind about when.
          expect: { poll: { timeout: 20_000 } },
          // Its real time runs beside the clock that tests move; a try that lost such a race is made again, and reported.
          retry: 2,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/differential/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          // Each file starts real programs; two at once fit two cores.
          maxWorkers: 2,
        },
      },
    ],
  },
});
