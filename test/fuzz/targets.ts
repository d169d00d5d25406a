import type { FuzzTarget } from './target.ts';
import { agentYaml, relayYaml } from './targets/config.ts';
import { openMetrics, scrapes, textFormat } from './targets/expositions.ts';
import { http } from './targets/http.ts';
import { log } from './targets/log.ts';
import { answer, batch } from './targets/push.ts';
import { write, writeV2 } from './targets/remote-write.ts';
import { snappy } from './targets/snappy.ts';
import { table } from './targets/table.ts';

/** Everything that reads bytes from outside. */
export const fuzzTargets: readonly FuzzTarget[] = [
  textFormat,
  openMetrics,
  scrapes,
  log,
  batch,
  answer,
  table,
  write,
  writeV2,
  snappy,
  agentYaml,
  relayYaml,
  http,
];
