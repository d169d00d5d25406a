import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Clock, ObjectStore } from '../model.ts';
import { followPages } from './pages.ts';

export interface S3Settings {
  /** `https://s3.example.com`; the bucket goes into the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Keys of one delete call and of one page, as S3 limits them. */
const KEYS_PER_CALL = 1000;
/** For one attempt, body included. A group commit gives up earlier by itself. */
const ATTEMPT_MS = 15_000;
const ATTEMPTS = 3;
/** Before the second attempt; twice as long before the third; each between half and all of it. */
const FIRST_PAUSE_MS = 200;

/**
 * Any S3 that honours `If-None-Match: *` on PutObject (`honoursConditions` of open.ts) and is consistent: what `create` reported is in
 * every later `get` and `list`. Errors of the SDK pass through after {@link ATTEMPTS} attempts.
 */
export function s3Store(settings: S3Settings, clock: Clock): ObjectStore {
  const { endpoint, bucket: Bucket, region, accessKeyId, secretAccessKey } = settings;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    // The SDK would repeat a PUT whose answer was lost, and take the 412 for somebody else's object.
    maxAttempts: 1,
    // Checksums that servers other than AWS' do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const attempt = () => ({ abortSignal: AbortSignal.timeout(ATTEMPT_MS) });

  /** Repeats `act` while `again` says that its failure passes. */
  async function retrying<T>(act: () => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
    for (let pauseMs = FIRST_PAUSE_MS, n = 1; ; n++, pauseMs *= 2) {
      try {
        return await act();
      } catch (error) {
        if (n === ATTEMPTS || !again(error)) throw error;
      }
      await clock.sleep(pauseMs * (0.5 + clock.random() / 2));
    }
  }

  return {
    create(Key, body) {
      return retrying(async () => {
        try {
          await client.send(new PutObjectCommand({ Bucket, Key, Body: body, IfNoneMatch: '*' }), attempt());
          return 'created' as const;
        } catch (error) {
          if (statusOf(error) === 412) return 'exists' as const;
          throw error;
        }
      }, wasNotStored);
    },

    get(Key, range) {
      const Range = range === undefined ? undefined : `bytes=${range.offset}-${range.offset + range.length - 1}`;
      return retrying(async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range === undefined ? {} : { Range }) }), attempt());
          return Body === undefined ? new Uint8Array(0) : new Uint8Array(await Body.transformToByteArray());
        } catch (error) {
          return absent(error);
        }
      }, mayPass);
    },

    head(Key) {
      return retrying(async () => {
        try {
          return (await client.send(new HeadObjectCommand({ Bucket, Key }), attempt())).ContentLength ?? 0;
        } catch (error) {
          return absent(error);
        }
      }, mayPass);
    },

    list(Prefix, { startAfter, limit } = {}) {
      return followPages(async (cursor, wanted) => {
        const request: ListObjectsV2CommandInput = { Bucket, Prefix, MaxKeys: Math.min(wanted, KEYS_PER_CALL) };
        if (cursor !== undefined) request.ContinuationToken = cursor;
        if (startAfter !== undefined) request.StartAfter = startAfter;
        const answer = await retrying(() => client.send(new ListObjectsV2Command(request), attempt()), mayPass);
        const keys = (answer.Contents ?? []).flatMap(({ Key }) => Key ?? []);
        if (answer.IsTruncated === true && answer.NextContinuationToken === undefined)
          throw new Error('S3: a listing is truncated, but has no NextContinuationToken: the server does not speak ListObjectsV2');
        return { keys, next: answer.IsTruncated === true ? answer.NextContinuationToken : undefined };
      }, limit);
    },

    async delete(keys) {
      for (let i = 0; i < keys.length; i += KEYS_PER_CALL) {
        const Objects = keys.slice(i, i + KEYS_PER_CALL).map((Key) => ({ Key }));
        const command = { Bucket, Delete: { Objects, Quiet: true } };
        const { Errors } = await retrying(() => client.send(new DeleteObjectsCommand(command), attempt()), mayPass);
        const failed = (Errors ?? []).filter(({ Code }) => Code !== 'NoSuchKey');
        const [first] = failed;
        if (first !== undefined) throw new Error(`S3: ${failed.length} objects not deleted: ${first.Key}: ${first.Code} ${first.Message}`);
      }
    },
  };
}

/** 0 where no answer came. */
const statusOf = (error: unknown): number => (error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0);

/** Undefined for what does not exist; every other error goes on. */
function absent(error: unknown): undefined {
  if (statusOf(error) === 404 && !(error instanceof S3ServiceException && error.name === 'NoSuchBucket')) return undefined;
  throw error;
}

/**
 * After these the object is certainly not there, so that a 412 to the next attempt is another's: 409, two conditional writes
 * of one key at once; 429 and 503, asked to slow down. Of a 500, or no answer at all, nobody knows.
 */
const wasNotStored = (error: unknown): boolean => [409, 429, 503].includes(statusOf(error));

/** For calls that may be repeated at will: what is not the caller's fault. */
function mayPass(error: unknown): boolean {
  const status = statusOf(error);
  return status === 0 || status === 429 || status >= 500;
}
