// How many rows of a manifest does one core check, beside what others would do with them?
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { hash, X509Certificate } from 'node:crypto';

import { issueAuthority, issueCertificate, makeKey } from '../cli/station/certificates.ts';
import { readDeviceLine } from '../shared/whitelist/formats/wardkey.ts';
import { parseManifestLine } from '../shared/whitelist/manifest.ts';
import { anchorOf, importRows, lineOf, MANUFACTURER, NOW, type Material } from './import-rows.ts';
import type { Subject } from './measure.ts';

const BATCH = 25;

export async function makeMaterial(): Promise<Material> {
  const key = await makeKey();
  const authority = { key, certificate: await issueAuthority('bench CA', key) };
  const device = await issueCertificate('bench device', authority);
  const anchor = anchorOf(new X509Certificate(authority.certificate).raw);
  return { anchor, certificate: new X509Certificate(device.certificate).raw.toString('base64') };
}

export function whitelistSubjects(material: Material): readonly Subject[] {
  const lines = Array.from({ length: 64 }, (_, index) => lineOf(index, material));
  const each = (work: (text: string, number: number) => unknown) => (rows: number) => {
    for (let row = 0; row < rows; row += 1) work(lines[row % lines.length] ?? '', row + 2);
  };
  return [
    {
      name: 'parse + check + hash',
      inside: 'strict JSON, schema, base64, SHA-256 of the certificate; no X.509',
      rows: 200_000,
      run: each((text, number) => checkAndHash(text, number)),
    },
    {
      name: '+ certificate',
      inside: 'the same, and X.509, key strength, id grammar, both fingerprints',
      rows: 10_000,
      run: each((text, number) =>
        readDeviceLine({ number, text, cut: false }, { manufacturer: MANUFACTURER, signers: [], now: NOW }),
      ),
    },
    {
      name: '+ issuer, into chunks',
      inside: 'the whole of import-manifest but S3',
      rows: 5_000,
      run: (rows) => importRows(rows, material),
    },
    {
      name: 'peer: JSON.parse',
      inside: 'no check, no hash; duplicate names pass',
      rows: 200_000,
      run: each((text) => JSON.parse(text) as unknown),
    },
    {
      name: 'peer: BatchWriteItem',
      inside:
        'client side of AWS SDK: marshalling, serialising, signing 25 rows a call; no network, no check, no condition',
      rows: 10_000,
      run: (rows) => batchWrite(rows, lines),
    },
  ];
}

function checkAndHash(text: string, number: number): string {
  const line = parseManifestLine(text, number);
  if (line.outcome === 'refused') throw new Error(JSON.stringify(line.refusal));
  return hash('sha256', Buffer.from(line.value.certificate, 'base64'));
}

async function batchWrite(rows: number, lines: readonly string[]): Promise<void> {
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      region: 'eu-central-1',
      credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
      requestHandler: { handle: () => Promise.reject(new Unsent()) },
      maxAttempts: 1,
    }),
  );
  const items = lines.map((text) => JSON.parse(text) as Record<string, unknown>);
  for (let row = 0; row < rows; row += BATCH) {
    const puts = Array.from({ length: BATCH }, (_, at) => ({
      PutRequest: { Item: { pk: String(row + at), ...items[at] } },
    }));
    await client.send(new BatchWriteCommand({ RequestItems: { whitelist: puts } })).catch((error: unknown) => {
      if (!(error instanceof Unsent)) throw error;
    });
  }
}

class Unsent extends Error {}
