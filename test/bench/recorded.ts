import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { LoggedScrape } from '../../agent-lite/model.ts';
import { parserFor } from '../../agent-lite/scrape/formats.ts';
import { reportCells } from '../../agent-lite/scrape/report.ts';
import { NO_LABEL_RULES } from '../../agent-lite/scrape/series-check.ts';
import { TargetSeries } from '../../agent-lite/scrape/series-state.ts';
import { nextChain } from '../../contract/chain.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import { NO_CHAIN } from '../../contract/push.ts';

/** Scrapes that were recorded from real programs: test/fixtures/scrapes. */
export const RECORDED = ['node_exporter', 'prometheus'] as const;
export type Recorded = (typeof RECORDED)[number];

export interface RecordedScrape {
  readonly wallMs: number;
  readonly body: Uint8Array;
}

export function recordedScrapes(name: Recorded): readonly RecordedScrape[] {
  const file = readFileSync(join(import.meta.dirname, `../fixtures/scrapes/${name}.txt.br`));
  const parts = brotliDecompressSync(file)
    .toString('utf8')
    .split(/^# scrape (\d+)\n/m);
  const scrapes: RecordedScrape[] = [];
  for (let i = 1; i + 1 < parts.length; i += 2) scrapes.push({ wallMs: Number(parts[i]), body: Buffer.from(parts[i + 1] as string) });
  return scrapes;
}

/** The same as the agent logs them, scraped as one target each. */
export async function loggedScrapes(name: Recorded): Promise<readonly LoggedScrape[]> {
  const rules = {
    honorLabels: false,
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    sampleLimit: 0,
    relabel: <T>(labels: T): T => labels,
    ...NO_LABEL_RULES,
  };
  const target = labelsFromRecord({ job: name, instance: '127.0.0.1:9100' });
  const series = new TargetSeries(target, rules, (bytes) => createHash('sha256').update(bytes).digest());
  const parser = parserFor('text/plain; version=0.0.4', undefined);
  const logged: LoggedScrape[] = [];
  let chain = NO_CHAIN;
  for (const [i, { wallMs, body }] of recordedScrapes(name).entries()) {
    const { counts, table, cells, exemplars } = await series.ingest(body, () => parser, wallMs);
    chain = nextChain(chain, body.subarray(0, 1024));
    logged.push({
      ...{ target, table, cells, exemplars, metadata: undefined, wallMs, bootMs: 60_000 + 15_000 * i, bootId: '5a'.repeat(16) },
      // A duration as a scrape takes one, in whole microseconds; it was not recorded.
      report: reportCells(true, 8 + ((i * 48_271) % 9_973) / 1_000, counts),
      ...{ position: i + 1, chain },
    });
  }
  return logged;
}
