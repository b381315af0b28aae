// Does a delivery arrive whole, its signature last, and is its own report waited for? S3 is played by the test.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Deployment } from '../../cli/deployment.ts';
import { awaitReport, deliverManifest, readListedDevices } from '../../cli/manifest.ts';
import { UsageError } from '../../cli/terminal.ts';
import { newFolder } from './folders.ts';

// Nobody waits here: the pause between two looks for a report is over at once.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

const DEPLOYMENT = {
  place: { prefix: 'wardkey', config: { region: 'eu-central-1' } },
  output: () => 'the-bucket',
} as unknown as Deployment;

let uploaded: string[];
/** Answers to reading a report, in order; the last one stays. */
let reports: (string | Error)[];

beforeEach(() => {
  [uploaded, reports] = [[], []];
  vi.spyOn(S3Client.prototype, 'send').mockImplementation((async (command: unknown) => {
    if (command instanceof PutObjectCommand) {
      const { Bucket, Key = '', Body } = command.input;
      await text(Body as Readable); // a file that is opened and never read outlives its folder
      return Promise.resolve({ VersionId: `v${uploaded.push(`${Bucket ?? ''}/${Key}`)}` });
    }
    if (!(command instanceof GetObjectCommand)) throw new Error('unexpected command');
    const next = reports.length > 1 ? reports.shift() : reports[0];
    if (next === undefined || next instanceof Error) return Promise.reject(next ?? new Error('no report'));
    return Promise.resolve({ Body: { transformToString: () => Promise.resolve(next) } });
  }) as never);
});

afterEach(() => {
  vi.restoreAllMocks();
});

function drop(...names: readonly string[]): string {
  const folder = newFolder();
  for (const name of names) writeFileSync(join(folder, name), name);
  return join(folder, names[0] ?? '');
}

describe('deliverManifest', () => {
  test('uploads the manifest first and its signature last, and names the version that completes it', async () => {
    const file = drop('lot-1.jsonl', 'lot-1.jsonl.jws');
    expect(await deliverManifest(DEPLOYMENT, 'acme', file)).toEqual({
      key: 'manifests/acme/lot-1.jsonl',
      version: 'v2',
      report: 'manifests/acme/lot-1.jsonl.report',
    });
    expect(uploaded).toEqual(['the-bucket/manifests/acme/lot-1.jsonl', 'the-bucket/manifests/acme/lot-1.jsonl.jws']);
  });

  test('uploads a manifest whose entries are signed alone', async () => {
    const file = drop('lot-1.json', 'lot-1.json.jws');
    expect(await deliverManifest(DEPLOYMENT, 'acme', file)).toMatchObject({ version: 'v1' });
    expect(uploaded).toEqual(['the-bucket/manifests/acme/lot-1.json']);
  });

  test.each<[string, () => string, string]>([
    ['whose signature is missing', () => drop('lot-1.jsonl'), 'lot-1.jsonl.jws'],
    ['that is missing', () => join(newFolder(), 'lot-1.json'), 'lot-1.json'],
    ['of a format that nobody knows', () => drop('lot-1.xlsx', 'lot-1.xlsx.jws'), 'lot-1.xlsx'],
  ])('uploads nothing of a delivery %s', async (_title, file, named) => {
    const delivered = deliverManifest(DEPLOYMENT, 'acme', file());
    await expect(delivered).rejects.toThrow(UsageError);
    await expect(delivered).rejects.toThrow(named);
    expect(uploaded).toEqual([]);
  });
});

const line = (device: string, result: string) => JSON.stringify({ line: 2, device, result });
const report = (signatureVersion: string, ...lines: readonly string[]) =>
  [JSON.stringify({ signatureVersion, outcome: 'imported' }), ...lines, ''].join('\n');
const named = (name: string) => Object.assign(new Error(name), { name });

describe('awaitReport', () => {
  const delivered = { key: 'manifests/acme/lot-1.json', version: 'v2', report: 'manifests/acme/lot-1.json.report' };

  test('takes the report of this very delivery, with its lines, and none of an earlier one', async () => {
    reports = [named('NoSuchKey'), named('AccessDenied'), report('v1'), report('v2', line('acme-A1', 'accepted'))];
    expect(await awaitReport(DEPLOYMENT, delivered)).toMatchObject({
      signatureVersion: 'v2',
      outcome: 'imported',
      lines: [{ device: 'acme-A1', result: 'accepted' }],
    });
    expect(reports).toHaveLength(1);
  });

  test('lets every other error of S3 through', async () => {
    reports = [named('InternalError')];
    await expect(awaitReport(DEPLOYMENT, delivered)).rejects.toThrow('InternalError');
  });
});

describe('readListedDevices', () => {
  test('names what a delivery listed, new or known, and neither what is held nor what was refused', async () => {
    reports = [
      report(
        'v1',
        line('a', 'accepted'),
        line('b', 'held'),
        line('c', 'unchanged'),
        line('d', 'refused'),
        '{"line":6}',
      ),
    ];
    expect(await readListedDevices(DEPLOYMENT, 'acme/lot-1.json')).toEqual(['a', 'c']);
  });

  test('says that there is no report', async () => {
    reports = [named('NoSuchKey')];
    await expect(readListedDevices(DEPLOYMENT, 'acme/lot-1.json')).rejects.toThrow(UsageError);
  });
});
