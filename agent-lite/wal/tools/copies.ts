import type { Entry } from '../store.ts';
import type { Place } from './find.ts';

/** Copies of damaged parts, as `wal repair` leaves them in set-aside/: `FILE.FROM-TO.damaged`, FROM and TO being offsets. */
export const copyName = ({ file, offset, bytes }: Place): string =>
  `${file.replace(/^wal\//, '').replace(/\.seg$/, '')}.${offset}-${offset + bytes}.damaged`;

export const isCopyOfDamage = (name: string): boolean => name.endsWith('.damaged');

export const inAside = (name: string): string => `set-aside/${name}`;

/** Whether `wal repair` has seen it: what could be kept of it has been kept. */
export const isKept = (place: Place, setAside: readonly Entry[]): boolean => {
  const name = copyName(place);
  return setAside.some((entry) => entry.name === name && entry.bytes === place.bytes);
};
