import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeHttp, nodeHttps, nodeTls } from '../../../agent-lite/platform/node-http.ts';

describe("Node's HTTP", () => {
  it('is the module that an import gives', () => {
    expect(nodeHttp.request).toBe(request);
    expect(nodeHttps().Agent.prototype).toBeInstanceOf(nodeHttp.Agent);
    expect(nodeTls().connect).toBeTypeOf('function');
  });

  it('is imported nowhere in the agent but for its types: an import costs 14 MB', () => {
    const folder = join(import.meta.dirname, '../../../agent-lite');
    const importing = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => /^import (?!type )[^;]*'node:(?:http|https|tls)'/m.test(readFileSync(join(folder, name), 'utf8')));
    expect(importing).toEqual([]);
  });
});
