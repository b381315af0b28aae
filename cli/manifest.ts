// How does a manifest come in? Dropped into its manufacturer's folder, its signature last; the report tells what became of it.
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { OUTPUTS } from '../shared/env.ts';
import { parseJson } from '../shared/json.ts';
import type { Refusal } from '../shared/reasons.ts';
import { formatOf } from '../shared/whitelist/formats/formats.ts';
import { reportKey } from '../shared/whitelist/import.ts';
import type { Deployment } from './deployment.ts';
import { UsageError } from './terminal.ts';

export interface Delivered {
  readonly key: string;
  /** Version of the object that completed the delivery; its report names it. */
  readonly version: string;
  readonly report: string;
}

export interface Report {
  readonly outcome: 'imported' | 'refused';
  readonly refusal?: Refusal;
  readonly results?: Readonly<Record<string, number>>;
  readonly lines: readonly ReportLine[];
}

export interface ReportLine {
  readonly line: number;
  readonly result: string;
  readonly device?: string;
  readonly refusal?: Refusal;
}

const POLL_MS = 300;
const LONGEST_WAIT_MS = 60 * 60_000;

/** Uploads the manifest and, where its format has one, `<file>.jws` after it: what arrives last starts the import. */
export async function deliverManifest(deployment: Deployment, manufacturer: string, file: string): Promise<Delivered> {
  const format = formatOf(basename(file));
  if (format.outcome === 'refused') throw new UsageError(`"${file}": its name ends like no format that is known`);
  const needed = format.value.signature === 'file' ? [file, `${file}.jws`] : [file];
  const missing = needed.find((name) => !existsSync(name));
  if (missing !== undefined) throw new UsageError(`cannot read "${missing}"`);
  const client = new S3Client(deployment.place.config);
  const bucket = deployment.output(OUTPUTS.manifestBucket);
  let version = '';
  for (const name of needed) version = await upload(client, { bucket, manufacturer, name });
  const key = `manifests/${manufacturer}/${basename(file)}`;
  return { key, version, report: reportKey(key) };
}

/** Waits for the report of exactly this delivery. */
export async function awaitReport(deployment: Deployment, { key, version, report }: Delivered): Promise<Report> {
  const client = new S3Client(deployment.place.config);
  const bucket = deployment.output(OUTPUTS.manifestBucket);
  const end = Date.now() + LONGEST_WAIT_MS;
  while (Date.now() < end) {
    const found = await readReport(client, { bucket, report });
    if (found?.signatureVersion === version) return found;
    await setTimeout(POLL_MS);
  }
  throw new Error(`no report beside "${key}" after an hour; see the alarms of import-manifest and list-devices`);
}

/** Ids of the devices that a delivery listed, by its report; held ones belong to nobody yet. */
export async function readListedDevices(deployment: Deployment, manifest: string): Promise<readonly string[]> {
  const client = new S3Client(deployment.place.config);
  const bucket = deployment.output(OUTPUTS.manifestBucket);
  const report = await readReport(client, { bucket, report: reportKey(`manifests/${manifest}`) });
  if (report === undefined) throw new UsageError(`there is no report of "${manifest}"`);
  const listed = report.lines.filter(({ result }) => result === 'accepted' || result === 'unchanged');
  return listed.flatMap(({ device }) => device ?? []);
}

interface Upload {
  readonly bucket: string;
  readonly manufacturer: string;
  readonly name: string;
}

async function upload(client: S3Client, { bucket, manufacturer, name }: Upload): Promise<string> {
  const Key = `manifests/${manufacturer}/${basename(name)}`;
  const input = { Bucket: bucket, Key, Body: createReadStream(name), ContentLength: statSync(name).size };
  const { VersionId } = await client.send(new PutObjectCommand(input));
  if (VersionId === undefined) throw new Error(`bucket "${bucket}" keeps no versions`);
  return VersionId;
}

async function readReport(client: S3Client, { bucket, report }: { readonly bucket: string; readonly report: string }) {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: report }));
    return parseReport((await Body?.transformToString()) ?? '');
  } catch (error) {
    // Without s3:ListBucket an absent object is answered as forbidden.
    if (error instanceof Error && ['NoSuchKey', 'AccessDenied'].includes(error.name)) return undefined;
    throw error;
  }
}

/** JSON lines: the totals first, then one line per entry. */
function parseReport(text: string): (Report & { readonly signatureVersion: string }) | undefined {
  const [head, ...lines] = text.split('\n').filter(Boolean).map(parseJson);
  if (head === undefined) return undefined;
  return { ...(head as Report & { signatureVersion: string }), lines: lines as ReportLine[] };
}
