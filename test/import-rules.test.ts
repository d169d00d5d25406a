import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The dependency rules of CONTRIBUTING.md and a few others that no linter knows, held by reading the sources. */
const root = resolve(import.meta.dirname, '..');

/** Files that git knows or would add. */
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
const textOf = (file: string): string => {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
};
const isSource = (file: string): boolean =>
  /^(contract|agent-lite|functions|infra)\/.*\.ts$/.test(file) && !file.endsWith('.d.ts') && !file.includes('/generated/');
const sources = files.filter(isSource);

/** Imports of a file: repository paths for relative ones, else the package or platform name. */
function importsOf(file: string, text: string): readonly string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found: string[] = [];
  for (const match of code.matchAll(
    /^\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  )) {
    const target = match[1] ?? match[2] ?? match[3] ?? '';
    found.push(target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target);
  }
  return found;
}

const imports = new Map(sources.map((file) => [file, importsOf(file, textOf(file))]));

/** Packages each side may use, and where. A platform's name outside its adapter is a design fault. */
const packages: readonly { readonly name: RegExp; readonly allowed: RegExp }[] = [
  { name: /^protobufjs/, allowed: /^contract\/generated\// },
  { name: /^snappyjs$/, allowed: /^contract\/snappy\.ts$/ },
  { name: /^re2js$/, allowed: /^contract\// },
  { name: /^yaml$/, allowed: /^(agent-lite\/config|functions\/config|contract)\/|^infra\// },
  { name: /^hono(\/|$)/, allowed: /^functions\/(app\.ts|auth\/|ingest\/|fleet\/)/ },
  { name: /^@aws-sdk\//, allowed: /^functions\/buffer\// },
  { name: /^cloudflare:/, allowed: /^functions\/(index|shard\/shard)\.ts$/ },
  { name: /^@cloudflare\/workers-types/, allowed: /^functions\// },
  { name: /^(miniflare|wrangler|esbuild|terser)$/, allowed: /^infra\// },
];

/** Where `node:` may be imported: adapters, and what only ever runs on Node. */
const nodeAdapters =
  /^infra\/|^agent-lite\/(main|agent|receivers)\.ts$|^agent-lite\/(platform|http|cli|web)\/|^agent-lite\/wal\/file[^/]*\.ts$|^agent-lite\/config\/(load|files?)[^/]*\.ts$|^agent-lite\/discovery\/[a-z]+-node\.ts$|^functions\/ingest\/body\.ts$/;

/** Wiring: the only files that know several parts of their side. */
const wiring =
  /^agent-lite\/(agent|agent-status|open-log|receivers|main|index)\.ts$|^agent-lite\/(cli|browser)\/|^functions\/(app|edge|index|env|bindings|bundled|send)\.ts$|^functions\/shard\/shard\.ts$/;
/** What every part of a side may import besides itself and the contract. */
const common =
  /^agent-lite\/(model|loop|ending|config\/types|platform\/node-http)\.ts$|^functions\/(model|clock|spread|histogram|dead-letter|series-sketch|config\/types|platform\.d)\.ts$/;

const side = (file: string): string => file.split('/')[0] ?? '';
/** A part of a side is a folder with all that is below it. */
const part = (file: string): string => file.split('/').slice(0, -1).slice(0, 2).join('/');

function broken(check: (file: string, target: string) => string | undefined): string[] {
  return [...imports].flatMap(([file, targets]) => targets.flatMap((target) => check(file, target) ?? []).map((why) => `${file}: ${why}`));
}
const local = (target: string): boolean => files.includes(target);

describe('import rules', () => {
  it('reads imports of every form', () => {
    const text = `
import a from './a.ts';
import { type B,
  c } from '../x/b.ts';
export { d } from "./d.ts";
import './e.ts';
const f = await import('./f.ts');
// import g from './g.ts';
import type { H } from 'h';`;
    expect(importsOf('contract/file.ts', text)).toEqual([
      'contract/a.ts',
      'x/b.ts',
      'contract/d.ts',
      'contract/e.ts',
      'contract/f.ts',
      'h',
    ]);
  });

  it('looks at the sources', () => {
    expect(sources).toContain('contract/push.ts');
    expect([...imports.values()].flat().filter(local).length).toBeGreaterThan(50);
  });

  it('contract imports nothing but itself', () => {
    expect(
      broken((file, target) => (side(file) === 'contract' && local(target) && side(target) !== 'contract' ? target : undefined)),
    ).toEqual([]);
  });

  it('agent-lite and functions import only themselves and the contract', () => {
    expect(
      broken((file, target) => {
        const from = side(file);
        if ((from !== 'agent-lite' && from !== 'functions') || !local(target)) return undefined;
        return [from, 'contract'].includes(side(target)) || /^infra\/[a-z-]+\.yml$/.test(target) || target === 'package.json'
          ? undefined
          : target;
      }),
    ).toEqual([]);
  });

  it('parts of a side do not import each other', () => {
    expect(
      broken((file, target) => {
        if (!['agent-lite', 'functions'].includes(side(file)) || side(target) !== side(file) || wiring.test(file)) return undefined;
        return part(target) === part(file) || common.test(target) ? undefined : target;
      }),
    ).toEqual([]);
  });

  it('infra is imported by nothing but itself and tests', () => {
    expect(
      broken((file, target) => (side(target) === 'infra' && side(file) !== 'infra' && target.endsWith('.ts') ? target : undefined)),
    ).toEqual([]);
  });

  it('platform names stay in their adapters', () => {
    expect(
      broken((file, target) => {
        if (local(target)) return undefined;
        // Joining paths is arithmetic on text.
        if (target === 'node:path/posix' && file.startsWith('agent-lite/config/')) return undefined;
        if (target.startsWith('node:')) return nodeAdapters.test(file) ? undefined : target;
        const rule = packages.find(({ name }) => name.test(target));
        if (rule === undefined) return `${target} (no rule allows this package)`;
        return rule.allowed.test(file) ? undefined : target;
      }),
    ).toEqual([]);
  });

  it('nothing that a page loads imports node', () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const target of imports.get(file) ?? []) visit(target);
    };
    visit('agent-lite/index.ts');
    expect(reached).toContain('agent-lite/wal/log.ts');
    expect([...reached].filter((name) => name.startsWith('node:'))).toEqual([]);
  });

  it('there are no cycles', () => {
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const target of imports.get(file) ?? []) if (imports.has(target)) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

describe('the tree', () => {
  it('has no source of more than 400 lines', () => {
    const long = sources.map((file) => [textOf(file).split('\n').length, file] as const).filter(([lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  it('takes time and randomness from a clock outside adapters and infra', () => {
    const free = /^infra\/|^agent-lite\/(platform\/|http\/|main\.ts)|^functions\/(index|clock|shard\/shard|app)\.ts$/;
    const found = sources
      .filter((file) => !free.test(file))
      .flatMap((file) => {
        const code = textOf(file)
          .replace(/\/\*[\s\S]*?\*\//g, '')
          .replace(/\/\/.*$/gm, '');
        return [...code.matchAll(/\b(?:Date\.now|Math\.random|setTimeout|setInterval|performance\.now)\s*\(|\bnew Date\(\)/g)].map(
          (m) => `${file}: ${m[0]}`,
        );
      });
    expect(found).toEqual([]);
  });

  it('names no path of the machine it was made on', () => {
    const parent = dirname(root);
    // A parent such as /src would be found in any text; only one that is long enough says something.
    const paths = [...new Set([root, parent, homedir()])].filter((path) => path.length > 4).map((path) => `${path}/`);
    const names = paths.map((path) => path.replace(/[^a-zA-Z0-9/]/g, '\\$&'));
    const pattern = new RegExp(`(?:^|["'\`\\s(=:])(?:${names.join('|')}|/(?:home|Users)/[a-z0-9]+/)`, 'm');
    const found = files.filter((file) => pattern.test(textOf(file)));
    expect(found).toEqual([]);
  });

  it('has a lock file that is bound to no registry', () => {
    const lock = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
    expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
  });

  it('exports defaults only where a tool asks for them', () => {
    const found = sources.filter((file) => file !== 'functions/index.ts' && /^export default /m.test(textOf(file)));
    expect(found).toEqual([]);
  });
});
