// Revocation lists on Amazon S3. Decides nothing.
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

import type { RevocationListStore } from '../ports.ts';

export function s3RevocationListStore(client: S3Client, Bucket: string): RevocationListStore {
  return {
    async read(Key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async write(Key, Body) {
      // RFC 2585 4.2 names the media type.
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/pkix-crl' }));
    },
  };
}
