import { FormatError } from '../../contract/binary.ts';
import { snappyConcat } from '../../contract/snappy.ts';
import type { Delivery, DeliveryOptions, DeliveryStep, OutgoingFragment, Outlet, RefusedReason, Verdict, VerdictCause } from '../model.ts';
import { type RefusedBlock, RefusedParts } from './refused-parts.ts';
import {
  countEntries,
  decodeSeries,
  encodeSeries,
  firstSamples,
  halve,
  halveByTime,
  newestSamples,
  type SeriesPart,
  timeRange,
} from './split.ts';

export type Send = (block: Uint8Array<ArrayBuffer>) => Promise<Verdict>;

/**
 * POSTs that a search by series may cost, before and after the receiver took any of what is searched; beyond, the parts that
 * are left are sent once more each and not divided any further. `tired`: when this unit has cost much and nothing of it passed.
 * `moment`: samples of one time among others of the same fragment, refused for their time. Most often all of them are refused
 * alike, and what comes after them must not go short. A search by time is bounded by the times there are.
 */
const SEARCH = { fruitless: 64, moment: 16, fruitful: 512, tired: 4, tiredAfter: 128 } as const;
/** Series asked for by the test for a repeat. */
const PROBED_SERIES = 3;
/** Refusals, and nothing taken, after which no more fragments are tried: it looks like the receiver, and not like the data. */
const GIVE_UP = 128;
/** POSTs and fragments by which a receiver that took part of each may show that it takes anything. */
const PROOF = { posts: 8, fragments: 4 } as const;

/** Still to do; the last of the list comes first. */
type Work =
  | { readonly kind: 'run'; readonly from: number; readonly to: number; suspect: boolean }
  | { readonly kind: 'parts'; readonly fragment: number; readonly parts: readonly SeriesPart[]; readonly search: Search }
  /** Small pieces of what was refused in part: is there any that is taken as a whole? */
  | { readonly kind: 'proof'; readonly pieces: readonly (readonly SeriesPart[])[]; readonly posts: number }
  | { readonly kind: 'probe'; readonly fragment: number; readonly parts: readonly SeriesPart[]; readonly left: readonly SeriesPart[] };

/** What a search has cost, shared by all parts that it made. */
interface Search {
  readonly patience: number;
  posts: number;
  passed: boolean;
}

export const createOutlet = (send: Send): Outlet => ({ begin: (fragments, options) => new FragmentDelivery(send, fragments, options) });

/**
 * Sends fragments in one POST; where that is refused, in halves, then by series and samples, always older before newer, so
 * that a receiver without an out-of-order window takes all it can. Keeps its place in between.
 */
class FragmentDelivery implements Delivery {
  readonly #send: Send;
  readonly #fragments: readonly OutgoingFragment[];
  readonly #work: Work[];
  readonly #refused = new RefusedParts();
  #delivered = 0;
  #passed = false;
  #shrunk = false;
  #posts = 0;
  #proven = false;
  #lastRefusal: VerdictCause = { status: 0, words: '' };
  readonly #thorough: boolean;

  constructor(send: Send, fragments: readonly OutgoingFragment[], { thorough = false }: DeliveryOptions = {}) {
    this.#send = send;
    this.#fragments = fragments;
    this.#thorough = thorough;
    this.#work = [{ kind: 'run', from: 0, to: fragments.length, suspect: fragments.some(({ suspect }) => suspect) }];
  }

  async advance(posts: number): Promise<DeliveryStep> {
    for (let left = posts; ; left--) {
      const work = this.#work.pop() ?? this.#proof();
      if (work === undefined) {
        const refused = this.#refused.join();
        return { kind: 'finished', passed: this.#passed, shrunk: this.#shrunk, deliveredSamples: this.#delivered, refused };
      }
      if (left <= 0) {
        this.#work.push(work);
        return { kind: 'paused' };
      }
      this.#posts++;
      const verdict = await this.#sendWork(work);
      if (verdict.kind === 'shrink') this.#shrunk = true;
      if (verdict.kind !== 'retry' && verdict.kind !== 'stop') {
        if (verdict.kind !== 'done') this.#lastRefusal = verdict;
        if (!this.#passed && !this.#thorough && this.#posts >= GIVE_UP && this.#work.at(-1)?.kind === 'run') this.#giveUp();
        continue;
      }
      this.#posts--;
      const untouched = work.kind === 'run' && work.to - work.from === this.#fragments.length;
      // It may have been stored all the same: an answer can get lost.
      this.#work.push(work.kind === 'run' ? { ...work, suspect: work.suspect || verdict.kind === 'retry' } : work);
      return { kind: 'waiting', verdict, untouched };
    }
  }

  #sendWork(work: Work): Promise<Verdict> {
    if (work.kind === 'run') return this.#sendRun(work);
    return work.kind === 'proof' ? this.#sendProof(work) : this.#sendParts(work);
  }

  /** The fragments that are left count as refused; nobody knows better yet. */
  #giveUp(): void {
    for (const work of this.#work.splice(0)) {
      if (work.kind !== 'run') continue;
      const fragments = this.#fragments.slice(work.from, work.to);
      this.#refused.add('refused', this.#lastRefusal, whole(snappyConcat(fragments.map(({ block }) => block)), fragments, work.from));
    }
  }

  /**
   * A receiver that answers "partly" or "stored before" may be right; one that is wrongly set up may say so to everything. The
   * newest samples of a few fragments tell: stored already or not, a receiver that works takes some of them.
   */
  #proof(): Work | undefined {
    if (this.#passed || this.#proven || !this.#refused.has('partly_refused', 'repeat_refused')) return undefined;
    this.#proven = true;
    const count = this.#fragments.length;
    const step = Math.max(1, Math.ceil(count / PROOF.fragments));
    const pieces: (readonly SeriesPart[])[] = [];
    for (let i = count - 1; i >= 0; i -= step) {
      const { block, rawBytes } = this.#fragments[i] as OutgoingFragment;
      const all = readable(() => decodeSeries(block, rawBytes));
      const newest = newestSamples(all);
      // Exactly what was refused is not sent again.
      const same = count === 1 && countEntries(all) === countEntries(newest);
      if (newest.length > 0) pieces.push(...(same ? (halve(newest) ?? []) : [newest]));
    }
    return pieces.length === 0 ? undefined : { kind: 'proof', pieces, posts: PROOF.posts };
  }

  async #sendProof({ pieces, posts }: Extract<Work, { kind: 'proof' }>): Promise<Verdict> {
    const [first, ...others] = pieces as [readonly SeriesPart[], ...(readonly SeriesPart[])[]];
    const verdict = await this.#send(encodeSeries(first));
    if (verdict.kind === 'done') this.#passed = true;
    else if (verdict.kind !== 'retry' && verdict.kind !== 'stop') {
      const left = [...others, ...(halve(first) ?? [])];
      if (left.length > 0 && posts > 1) this.#work.push({ kind: 'proof', pieces: left, posts: posts - 1 });
    }
    return verdict;
  }

  async #sendRun(run: Extract<Work, { kind: 'run' }>): Promise<Verdict> {
    const fragments = this.#fragments.slice(run.from, run.to);
    const block = snappyConcat(fragments.map((fragment) => fragment.block));
    const verdict = await this.#send(block);
    if (verdict.kind === 'done') this.#pass(sum(fragments));
    else if (verdict.kind === 'partly_refused') this.#partlyRefused(verdict, run.suspect, whole(block, fragments, run.from));
    else if (verdict.kind === 'split' || verdict.kind === 'shrink') {
      if (fragments.length > 1) {
        const middle = (run.from + run.to) >> 1;
        this.#work.push({ ...run, from: middle }, { ...run, to: middle });
      } else this.#open(run, verdict);
    }
    return verdict;
  }

  /** One fragment was refused: look into it. */
  #open({ from, suspect }: Extract<Work, { kind: 'run' }>, verdict: Extract<Verdict, { kind: 'split' | 'shrink' }>): void {
    const fragment = this.#fragments[from] as OutgoingFragment;
    let parts: readonly SeriesPart[];
    try {
      parts = decodeSeries(fragment.block, fragment.rawBytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#refused.add('malformed', { ...verdict, words: `${error.message}; ${verdict.words}` }, whole(fragment.block, [fragment], from));
      return;
    }
    const probed = suspect && verdict.kind === 'split' && verdict.repeat ? firstSamples(parts, PROBED_SERIES) : [];
    if (probed.length > 0) this.#work.push({ kind: 'probe', fragment: from, parts, left: probed });
    else this.#divide(from, parts, verdict, newSearch(SEARCH.fruitless));
  }

  async #sendParts(work: Extract<Work, { kind: 'parts' | 'probe' }>): Promise<Verdict> {
    if (work.kind === 'probe') return this.#probe(work);
    const { fragment, parts, search } = work;
    search.posts++;
    const block = encodeSeries(parts);
    const verdict = await this.#send(block);
    if (verdict.kind === 'done') {
      search.passed = true;
      this.#pass(countEntries(parts));
    } else if (verdict.kind === 'partly_refused') {
      this.#partlyRefused(verdict, false, refusedBlock(block, fragment, parts));
    } else if (verdict.kind === 'split' || verdict.kind === 'shrink') {
      this.#divide(fragment, parts, verdict, search);
    }
    return verdict;
  }

  /**
   * Was this fragment stored by an earlier POST whose answer never came? Then the first sample of a series with later ones is
   * older than what the receiver has, and is refused. If it is taken, it was not stored, and nothing is lost by having asked.
   */
  async #probe({ fragment, parts, left }: Extract<Work, { kind: 'probe' }>): Promise<Verdict> {
    const [first, ...rest] = left as [SeriesPart, ...SeriesPart[]];
    const verdict = await this.#send(encodeSeries([first]));
    if (verdict.kind === 'split' && verdict.repeat) {
      if (rest.length > 0) this.#work.push({ kind: 'probe', fragment, parts, left: rest });
      else {
        this.#refused.add('repeat_refused', verdict, refusedBlock(encodeSeries(parts), fragment, parts));
      }
    } else if (verdict.kind !== 'retry' && verdict.kind !== 'stop') {
      this.#work.push({ kind: 'parts', fragment, parts, search: newSearch(SEARCH.fruitless) });
    }
    return verdict;
  }

  #divide(fragment: number, parts: readonly SeriesPart[], verdict: Extract<Verdict, { kind: 'split' | 'shrink' }>, search: Search): void {
    const byTime = verdict.kind === 'split' && verdict.late ? halveByTime(parts) : undefined;
    const halves = byTime ?? (search.posts < this.#patience(search) ? halve(parts) : undefined);
    if (halves === undefined) {
      this.#refuse(fragment, parts, verdict);
      return;
    }
    const [first, second] = halves.map((half): Work => {
      const ownSearch = byTime !== undefined && halveByTime(half) === undefined;
      return { kind: 'parts', fragment, parts: half, search: ownSearch ? newSearch(SEARCH.moment) : search };
    }) as [Work, Work];
    this.#work.push(second, first);
  }

  #refuse(fragment: number, parts: readonly SeriesPart[], verdict: Extract<Verdict, { kind: 'split' | 'shrink' }>): void {
    const reason: RefusedReason = verdict.kind === 'shrink' ? 'too_large' : 'refused';
    this.#refused.add(reason, verdict, refusedBlock(encodeSeries(parts), fragment, parts));
  }

  #partlyRefused(verdict: Extract<Verdict, { kind: 'partly_refused' }>, suspect: boolean, block: RefusedBlock): void {
    const repeats = verdict.onlyRepeats || (suspect && /out[ -]of[ -]order|duplicate/i.test(verdict.words));
    this.#refused.add(repeats ? 'repeat_refused' : 'partly_refused', verdict, block);
  }

  #patience({ passed, patience }: Search): number {
    if (passed) return SEARCH.fruitful;
    return this.#passed || this.#posts < SEARCH.tiredAfter ? patience : SEARCH.tired;
  }

  #pass(samples: number): void {
    this.#passed = true;
    this.#delivered += samples;
  }
}

/** Empty where the block cannot be read. */
function readable(read: () => readonly SeriesPart[]): readonly SeriesPart[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

const newSearch = (patience: number): Search => ({ patience, posts: 0, passed: false });

const sum = (fragments: readonly OutgoingFragment[]): number => fragments.reduce((total, { samples }) => total + samples, 0);

function whole(block: Uint8Array, fragments: readonly OutgoingFragment[], from: number): RefusedBlock {
  return {
    block,
    fragments: fragments.map((_, i) => from + i),
    samples: sum(fragments),
    minMs: Math.min(...fragments.map(({ minMs }) => minMs)),
    maxMs: Math.max(...fragments.map(({ maxMs }) => maxMs)),
  };
}

const refusedBlock = (block: Uint8Array, fragment: number, parts: readonly SeriesPart[]): RefusedBlock => ({
  block,
  fragments: [fragment],
  samples: countEntries(parts),
  ...timeRange(parts),
});
