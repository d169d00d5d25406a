import type { CommitRequest, LeftOut } from '../model.ts';

/** Of all devices, characters: 40,000 devices with a target each. What is forgotten comes back with a device's next push. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
/** Estimate for a device's entry, and for a target's. */
const ENTRY_CHARACTERS = 50;

/** What each device's last push left out. Lives as long as the instance: the next push tells it again. */
export class LeftOutByDevice {
  readonly #devices = new Map<string, LeftOut>();
  #characters = 0;

  get(device: string): LeftOut | undefined {
    return this.#devices.get(device);
  }

  /** A push that was stored. */
  note(request: CommitRequest): void {
    if (request.logId === undefined) return;
    this.#forget(request.device);
    const { device, leftOut = NOTHING } = request;
    this.#devices.set(device, leftOut);
    this.#characters += sizeOf(device, leftOut);
    for (const oldest of this.#devices.keys()) {
      if (this.#characters <= MAX_CHARACTERS) break;
      this.#forget(oldest);
    }
  }

  #forget(device: string): void {
    const known = this.#devices.get(device);
    if (known === undefined) return;
    this.#devices.delete(device);
    this.#characters -= sizeOf(device, known);
  }
}

const NOTHING: LeftOut = { series: 0, targets: [] };

const sizeOf = (device: string, { targets }: LeftOut): number =>
  targets.reduce((sum, { target }) => sum + target.length + ENTRY_CHARACTERS, device.length + ENTRY_CHARACTERS);
