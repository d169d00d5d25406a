import type { TestProject } from 'vitest/node';
import { startS3 } from '../fakes/s3.ts';
import type {} from './provided.ts';

/** A real S3 server for tests inside workerd, which cannot start one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startS3();
  project.provide('s3', server.settings);
  return async () => server[Symbol.asyncDispose]();
}
