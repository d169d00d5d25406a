// Sums vitest's JSON reports in a folder and prints "N passed, N failed" as the last line. Skipped tests are failures: what CI
// does not run, nobody has shown to work. Plain JavaScript: it runs on whatever Node the machine has, also after a failed install.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node infra/ci/summary.mjs FOLDER');
  process.exit(2);
}
let passed = 0;
let failed = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const suite of report.testResults) {
    // A file that cannot be loaded has no tests, and must not pass for that.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) {
      failed++;
      console.log(`could not run: ${suite.name}`);
    }
    for (const test of suite.assertionResults) {
      if (test.status === 'passed' || test.status === 'failed') continue;
      failed++;
      console.log(`not run (${test.status}): ${test.fullName}`);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
