import { metricTable } from './names.ts';
import type { MetricSpec } from './pushed.ts';
import { type Registry, registryOf } from './table-registry.ts';

export type { Registry } from './table-registry.ts';

/** With every metric of `names.ts`, and no other: an unknown name throws. */
export const createRegistry = (table: Readonly<Record<string, MetricSpec>> = metricTable): Registry => registryOf(table, 'throw');
