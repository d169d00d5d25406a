import type { Point } from '../../contract/push.ts';

/** A record of the log on its way; settled when nothing of it is left to decide. */
export interface Ticket {
  readonly point: Point;
  /** Samples of it that are neither delivered nor dropped. */
  left: number;
}

/** Which records are settled: shards finish out of order, the cursor must not. */
export class Progress {
  #open: Ticket[] = [];
  #settled: Point | undefined;

  /** Records in the order of the log. */
  open(point: Point, samples: number): Ticket {
    const ticket = { point, left: samples };
    this.#open.push(ticket);
    if (samples === 0) this.#advance();
    return ticket;
  }

  settle(ticket: Ticket, samples: number): void {
    ticket.left -= samples;
    if (ticket.left < 0) throw new RangeError(`record ${ticket.point.position}: more samples settled than it has`);
    if (ticket.left === 0) this.#advance();
  }

  /** The last record before which (and with which) all is settled; undefined: none yet. */
  get settled(): Point | undefined {
    return this.#settled;
  }

  #advance(): void {
    let done = 0;
    for (; this.#open[done]?.left === 0; done++) this.#settled = this.#open[done]?.point;
    if (done > 0) this.#open.splice(0, done);
  }
}
