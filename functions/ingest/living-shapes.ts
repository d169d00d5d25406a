import { ByteReader, ByteWriter } from '../../contract/binary.ts';
import { ProtobufReader } from '../../contract/protobuf.ts';

/**
 * V8 compiles for the hidden classes of the objects it has seen, and throws that code away if, when it collects garbage, no object has one
 * of them. An isolate between two pushes has none of those that live for a push only: without this its code was compiled anew after each
 * collection, which cost a twelfth of a push's processor time. So one object of each such class is kept, the latest: fields change their
 * kind in the course of time, and hidden classes with them. They must be small.
 */
export class LivingShapes {
  /** Of classes whose fields never change their kind. */
  readonly still: readonly object[] = [new ByteReader(new Uint8Array(0)), new ByteWriter(0), new ProtobufReader(new Uint8Array(0))];
  /** By what they are for. */
  readonly latest: Record<string, object> = {};

  keep(objects: Readonly<Record<string, object | undefined>>): void {
    for (const [name, object] of Object.entries(objects)) if (object !== undefined) this.latest[name] = object;
  }
}
