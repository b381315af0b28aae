// A bucket that may be deleted must be empty first: every version of every object goes.
import { DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';

import type { ClientConfig } from '../place.ts';

/** Page by page; after each deletion the first page is what is left. */
export async function emptyBucket(Bucket: string, config: ClientConfig): Promise<void> {
  const client = new S3Client(config);
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key: Key ?? '', VersionId }));
    if (Objects.length === 0) return;
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    const [problem] = Errors;
    if (problem !== undefined) throw new Error(`bucket "${Bucket}": ${problem.Code ?? ''} ${problem.Message ?? ''}`);
  }
}
