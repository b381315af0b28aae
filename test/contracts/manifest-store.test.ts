// Do the manifest store in memory and the one on Amazon S3 keep the same promises?
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { s3ManifestStore } from '../../shared/aws/s3-manifest-store.ts';
import type { ManifestStore } from '../../shared/ports.ts';
import { MemoryManifestStore } from '../fakes/memory-manifest-store.ts';
import { Cleanup, clientSettings, localAws, randomName } from './local-aws.ts';
import { manifestStoreContract } from './manifest-store-contract.ts';

const memory = new MemoryManifestStore();
manifestStoreContract('in memory', {
  store: () => memory,
  put: (key, body) => Promise.resolve(memory.put(key, body)),
});

const cleanup = new Cleanup();
let client: S3Client;
let bucket: string;
let store: ManifestStore;

beforeAll(async () => {
  client = new S3Client({ ...clientSettings(await localAws()), forcePathStyle: true });
  bucket = await createBucket();
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  store = s3ManifestStore(client, bucket);
}, 60_000);

afterAll(() => cleanup.run());

manifestStoreContract('Amazon S3 (local cloud)', { store: () => store, put });

test('a bucket without versions is a fault: a check and a use could see different bytes', async () => {
  const plain = await createBucket();
  await client.send(new PutObjectCommand({ Bucket: plain, Key: 'key', Body: 'body' }));
  await expect(s3ManifestStore(client, plain).findNewest('key')).rejects.toMatchObject({ code: 'answer-malformed' });
});

async function put(key: string, body: Uint8Array) {
  const { VersionId = '' } = await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  return { key, versionId: VersionId };
}

async function createBucket(): Promise<string> {
  const Bucket = randomName();
  await client.send(new CreateBucketCommand({ Bucket }));
  cleanup.later(() => removeBucket(Bucket));
  return Bucket;
}

async function removeBucket(Bucket: string): Promise<void> {
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
  for (const { Key, VersionId } of Versions) await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
  await client.send(new DeleteBucketCommand({ Bucket }));
}
