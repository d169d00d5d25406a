import type { LoggedScrape } from '../../agent-lite/model.ts';
import { ByteWriter } from '../../contract/binary.ts';
import { ABSENT } from '../../contract/cells.ts';
import type { Labels } from '../../contract/labels.ts';
import { encodeLabelFields } from '../../contract/remote-write.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import { type Row, rebuild } from '../../contract/series-table.ts';
import { snappyCompress } from '../../contract/snappy.ts';

/** What standard remote write sends of the same scrapes, as Prometheus does: a TimeSeries for each sample, 2,000 in a request. */

const SAMPLES_PER_SEND = 2000;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly ms: number;
}

function* samplesOf(scrapes: readonly LoggedScrape[]): Generator<Sample> {
  for (const { target, table, cells, report, wallMs } of scrapes) {
    const parts: readonly (readonly [readonly Row[], typeof report | undefined])[] = [
      [table?.rows ?? [], cells],
      [REPORT_ROWS, report],
    ];
    for (const [rows, of] of parts) {
      for (const [row, labels] of rows.entries()) {
        if (of === undefined || of.states[row] === ABSENT) continue;
        yield { labels: rebuild(labels, target), value: of.floats[row] as number, ms: wallMs };
      }
    }
  }
}

function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(64);
  write(writer);
  return writer.bytes();
}

function field(writer: ByteWriter, number: number, bytes: Uint8Array): void {
  writer.u8(number * 8 + 2);
  writer.block(bytes);
}

const sampleBytes = ({ value, ms }: Sample): Uint8Array =>
  bytesOf((writer) => {
    writer.u8(9);
    writer.raw(new Uint8Array(Float64Array.of(value).buffer));
    writer.u8(16);
    writer.varint(ms);
  });

/** Bytes of the requests' bodies, compressed with snappy. */
function sent(scrapes: readonly LoggedScrape[], encode: (samples: readonly Sample[]) => Uint8Array): number {
  const all = [...samplesOf(scrapes)];
  let bytes = 0;
  for (let i = 0; i < all.length; i += SAMPLES_PER_SEND) bytes += snappyCompress(encode(all.slice(i, i + SAMPLES_PER_SEND))).length;
  return bytes;
}

export const remoteWrite1Bytes = (scrapes: readonly LoggedScrape[]): number =>
  sent(scrapes, (samples) =>
    bytesOf((writer) => {
      for (const sample of samples) {
        field(
          writer,
          1,
          bytesOf((series) => {
            series.raw(encodeLabelFields(sample.labels));
            field(series, 2, sampleBytes(sample));
          }),
        );
      }
    }),
  );

/** Without metadata, which would add about 11 bytes a sample. */
export const remoteWrite2Bytes = (scrapes: readonly LoggedScrape[]): number =>
  sent(scrapes, (samples) => {
    const symbols = new Map([['', 0]]);
    const refOf = (text: string): number => {
      const ref = symbols.get(text) ?? symbols.size;
      symbols.set(text, ref);
      return ref;
    };
    const series = samples.map((sample) =>
      bytesOf((writer) => {
        const refs = bytesOf((packed) => {
          for (const [name, value] of sample.labels) {
            packed.varint(refOf(name));
            packed.varint(refOf(value));
          }
        });
        field(writer, 1, refs);
        field(writer, 2, sampleBytes(sample));
      }),
    );
    return bytesOf((writer) => {
      for (const text of symbols.keys()) field(writer, 4, new TextEncoder().encode(text));
      for (const one of series) field(writer, 5, one);
    });
  });
