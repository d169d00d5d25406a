import './idle.ts';
import * as agents from './agents.ts';
import * as durability from './durability.ts';
import * as stores from './stores.ts';

/** What tests can call in a page: `window.page.<part>.<function>`. */
export const page = { agents, durability, stores };
export type PageParts = typeof page;

Object.assign(globalThis, { page });
