// The manifest bucket on Amazon S3, by object version. Decides nothing.
import { GetObjectCommand, HeadObjectCommand, NotFound, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

import { Fault } from '../outcome.ts';
import type { ManifestStore, StoredObject } from '../ports.ts';

export function s3ManifestStore(client: S3Client, bucket: string): ManifestStore {
  return {
    async findNewest(key) {
      try {
        const { VersionId } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        if (VersionId === undefined) throw new Fault('answer-malformed', `bucket "${bucket}": expected versions`);
        return { key, versionId: VersionId };
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
    read: (object) => readVersion(client, bucket, object),
    async write(key, body) {
      const input = { Bucket: bucket, Key: key, Body: body, ContentType: 'application/x-ndjson' };
      await client.send(new PutObjectCommand(input));
    },
  };
}

async function* readVersion(
  client: S3Client,
  bucket: string,
  { key, versionId }: StoredObject,
): AsyncGenerator<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
  if (Body === undefined) throw new Fault('answer-malformed', `S3 object "${key}": expected a body`);
  yield* Body as unknown as AsyncIterable<Uint8Array>;
}
