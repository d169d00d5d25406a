import { type Decoder, duration, expected, object, refine, string, withDefault } from '../../contract/yaml/decode.ts';
import { defaultLog } from './defaults.ts';
import type { LogConfig } from './types.ts';

/** 0 to 1, in decimal digits. */
const fraction: Decoder<number> = refine(string, (text, place) => {
  const value = Number(text);
  return /^\d+(\.\d+)?$/.test(text) && value <= 1 ? value : expected(place, 'a number of 0 to 1');
});

/** What is written to the platform's log, which costs money by the line. */
export const logConfig: Decoder<LogConfig> = refine(
  object({
    sampling_fraction: withDefault(fraction, defaultLog.samplingFraction),
    repeat_interval: withDefault(duration(1000), defaultLog.repeatIntervalMs),
  }),
  (raw) => ({ samplingFraction: raw.sampling_fraction, repeatIntervalMs: raw.repeat_interval }),
);
