import { defaultSim } from '../../sim/options.ts';
import { simulateReconnect } from '../../sim/reconnect.ts';
import { NOTHING } from '../account.ts';
import type { Scenario } from '../scenario.ts';

const DEVICES = 5000;
/** The longest backoff where nobody answers, and a request's time. */
const HEARD_MS = 61_000;
/** And then what it takes to be committed and delivered (docs/scaling.md). */
const FRESH_MS = 75_000;
/** As many of the fleet may come back within 15 s: twice what a minute spread evenly would have. */
const MAX_SHARE = 0.5;

/** The real shards, with devices that only keep count; the platform and the network cost time as docs/scaling.md says. */
export const scenario: Scenario = {
  name: 'fleet-reconnects',
  about: `${DEVICES} devices come back at once after an outage: spread over a minute, none refused, no fresh sample waits over ${FRESH_MS / 1000} s`,
  rounds: { short: 1, full: 6 },
  async run({ random, short }) {
    const outageMs = (short ? 10 : random.int(10, 100)) * 60_000;
    const options = { ...defaultSim, devices: DEVICES, series: short ? 4 : 20, outageMs, seed: random.int(1, 1e9) };
    const result = await simulateReconnect(options);
    const { allHeardMs = Number.POSITIVE_INFINITY, freshWaitMs, refusals, disorder, acknowledged, delivered, moments } = result;
    const expect = (holds: boolean, what: string): void => {
      if (!holds) throw new Error(`outage of ${outageMs / 60_000} min, seed ${options.seed}: ${what}`);
    };
    expect(allHeardMs <= HEARD_MS, `expected every device to be heard within ${HEARD_MS} ms, got ${allHeardMs}`);
    expect(freshWaitMs <= FRESH_MS, `expected fresh samples to wait ${FRESH_MS} ms at most, got ${freshWaitMs}`);
    expect(Object.keys(refusals).length === 0, `expected nothing to be refused, got ${JSON.stringify(refusals)}`);
    const busiest = Math.max(...moments.map(({ inFlight }) => inFlight));
    expect(busiest <= DEVICES * MAX_SHARE, `expected the fleet to be spread, got ${busiest} requests at once`);
    expect(disorder === 0, `expected the order of each log, got ${disorder} fragments that came late`);
    // What is missing is told by the campaign.
    return { ...NOTHING, scraped: acknowledged, delivered, lost: acknowledged - delivered };
  },
};
