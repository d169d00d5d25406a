import { existsSync, promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded into an agent before its own code (`--import`). While the file named by SOAK_DISK_FULL is there its disk is full: half of
 * each write gets through, then ENOSPC. A real small disk needs rights that a test has not got.
 */
const flag = process.env['SOAK_DISK_FULL'] ?? '';
const open = promises.open;

class DiskFullError extends Error {
  readonly code = 'ENOSPC';
  readonly syscall = 'write';
}

promises.open = async (path, flags, mode) => {
  const file = await open(path, flags, mode);
  const write = file.write.bind(file) as (
    bytes: Uint8Array,
    offset: number,
    length: number,
    at: number,
  ) => Promise<{ bytesWritten: number }>;
  const limited: typeof write = async (bytes, offset, length, at) => {
    if (!existsSync(flag)) return write(bytes, offset, length, at);
    if (length > 1) await write(bytes, offset, length >> 1, at);
    throw new DiskFullError('ENOSPC: no space left on device, write');
  };
  Object.defineProperty(file, 'write', { value: limited });
  return file;
};
const writeFile = promises.writeFile;
promises.writeFile = async (file, data, options) => {
  if (existsSync(flag)) throw new DiskFullError('ENOSPC: no space left on device, write');
  return writeFile(file, data, options);
};
syncBuiltinESMExports();
