// How does a manifest come in? Dropped into its manufacturer's folder, signature last; the report tells what became of it.
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { OUTPUTS } from '../shared/env.ts';
import type { Refusal } from '../shared/reasons.ts';
import type { Deployment } from './deployment.ts';

export interface Report {
  readonly outcome: 'imported' | 'refused';
  readonly signatureVersion: string;
  readonly refusal?: Refusal;
  readonly digest?: string;
  readonly results?: Readonly<Record<string, number>>;
  readonly lines?: readonly {
    readonly line: number;
    readonly result: string;
    readonly device?: string;
    readonly refusal?: Refusal;
  }[];
}

const POLL_MS = 300;
const LONGEST_WAIT_MS = 5 * 60_000;

/** Uploads the manifest and then `<file>.jws`, whose arrival starts the import; waits for this delivery's report. */
export async function deliverManifest(deployment: Deployment, manufacturer: string, file: string): Promise<Report> {
  const client = new S3Client(deployment.place.config);
  const bucket = deployment.output(OUTPUTS.manifestBucket);
  const key = `manifests/${manufacturer}/${basename(file)}`;
  const [manifest, signature] = [readFileSync(file), readFileSync(`${file}.jws`)];
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: manifest }));
  const { VersionId } = await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${key}.jws`, Body: signature }));
  const end = Date.now() + LONGEST_WAIT_MS;
  while (Date.now() < end) {
    await setTimeout(POLL_MS);
    const report = await readReport(client, bucket, `${key}.report.json`);
    if (report !== undefined && report.signatureVersion === VersionId) return report;
  }
  throw new Error(
    `no report beside "${key}" after ${LONGEST_WAIT_MS / 60_000} minutes; see the alarms of import-manifest`,
  );
}

async function readReport(client: S3Client, Bucket: string, Key: string): Promise<Report | undefined> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return JSON.parse((await Body?.transformToString()) ?? '{}') as Report;
  } catch (error) {
    // Without s3:ListBucket an absent object is answered as forbidden.
    if (error instanceof Error && ['NoSuchKey', 'AccessDenied'].includes(error.name)) return undefined;
    throw error;
  }
}
