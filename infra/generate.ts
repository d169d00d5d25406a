import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * `npm run generate`: static codecs from contract/proto/*.proto into contract/generated/ (reflection, protobufjs' other
 * way, compiles code at run time, which Workers forbid). `npm run generate -- --check` writes nothing and fails where the
 * generated files are not what the sources give.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** Only what the contract calls is generated. `--no-delimited` and so on each leave one family of methods out. */
const OPTIONS = [
  ...['-t', 'static-module', '-w', 'esm', '--dependency', 'protobufjs/minimal.js', '--force-number'],
  ...['--no-create', '--no-verify', '--no-convert', '--no-delimited', '--no-typeurl', '--no-service'],
];

/** Writes `NAME.js` and `NAME.d.ts` for each `NAME.proto` into `target`. */
export async function generate(target: string): Promise<readonly string[]> {
  const sources = (await readdir(join(root, 'contract/proto'))).filter((name) => name.endsWith('.proto')).sort();
  await mkdir(target, { recursive: true });
  const pbjs = createRequire(import.meta.url).resolve('protobufjs-cli/bin/pbjs');
  const written: string[] = [];
  for (const source of sources) {
    const name = basename(source, '.proto');
    const output = join(target, `${name}.js`);
    await run(process.execPath, [pbjs, ...OPTIONS, '-r', name, '-d', '-o', output, join('contract/proto', source)], { cwd: root });
    // Under Node's compatibility layer in workerd `Writer.create()` gives a writer over Buffer.utf8Write, which fails there for
    // strings near a buffer's end. The plain one is as fast for what we write.
    await writeFile(output, (await readFile(output, 'utf8')).replaceAll('$Writer.create()', 'new $Writer()'));
    written.push(`${name}.js`, `${name}.d.ts`);
  }
  return written;
}

/** The generated files that differ from what the sources give now. */
export async function outdated(scratch: string): Promise<readonly string[]> {
  const different: string[] = [];
  for (const name of await generate(scratch)) {
    const [fresh, present] = await Promise.all([read(join(scratch, name)), read(join(root, 'contract/generated', name))]);
    if (fresh !== present) different.push(name);
  }
  await rm(scratch, { recursive: true });
  return different;
}

const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    const different = await outdated(join(root, 'contract/generated/.check'));
    if (different.length > 0) {
      console.error(`contract/generated: out of date: ${different.join(', ')}. Run: npm run generate`);
      process.exitCode = 1;
    }
  } else {
    console.log((await generate(join(root, 'contract/generated'))).join('\n'));
  }
}
