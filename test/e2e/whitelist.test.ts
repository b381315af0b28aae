// Does the whitelist hold what factories and chip vendors deliver, once, under kills, and no more than was agreed?
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { awaitDossier } from '../../cli/await-dossier.ts';
import type { Deployment } from '../../cli/deployment.ts';
import { performAct } from '../../cli/invoke.ts';
import { awaitReport, deliverManifest } from '../../cli/manifest.ts';
import { makeDevice } from '../../cli/station/devices.ts';
import { deliverLot } from '../../cli/station/shipping.ts';
import type { Station } from '../../cli/station/station.ts';
import { OUTPUTS } from '../../shared/env.ts';
import { brokerSide, listCertificates } from './cloud-side.ts';
import { accepted, agree, claim, importManifest, openFactory } from './fleet.ts';
import { killAtEachChunk } from './kills.ts';
import { deliverLargeLot } from './large-lot.ts';
import { hireOperator } from './people.ts';
import { actingAs, raiseStage, strikeStage, wardkey, type Stage } from './stage.ts';

const CORPUS = join(import.meta.dirname, '..', '..', '..', 'shared', 'corpora', 'manifests-microchip');
const GENUINE = join(CORPUS, 'ECC608C-TNGTLSU-B.json');
const ROOT = join(CORPUS, 'roots', 'Crypto_Authentication_Root_CA_002.crt');
const SIGNER = join(CORPUS, 'signers', 'MCHP_manifest_signer_5_Mar_6-2024_noExpiration.crt');

let stage: Stage;
let operator: Deployment;
let second: Deployment;
let station: Station;

beforeAll(async () => {
  stage = await raiseStage();
  operator = await actingAs(stage, await hireOperator(stage, 'operator'));
  second = await actingAs(stage, await hireOperator(stage, 'second'));
  station = await openFactory(stage, operator, 'acme');
});

afterAll(strikeStage);

test.skipIf(!existsSync(GENUINE))(
  'T001 the genuine Microchip manifest lists its ten chips, known to the broker and INACTIVE until owned',
  async () => {
    const lot = { kind: 'add-lot', manufacturer: 'mchp', lot: 'ECC608C-TNGTLSU-B', product: 'ECC608C', count: 10 };
    accepted(await performAct(operator, 'change-trust', lot));
    for (const [kind, file] of [
      ['add-root', ROOT],
      ['add-signer', SIGNER],
    ] as const) {
      const certificate = readPem(file);
      accepted(await performAct(operator, 'change-trust', { kind, manufacturer: 'mchp', certificate }));
    }
    const report = await importManifest(operator, 'mchp', GENUINE);
    expect(report.results).toEqual({ accepted: 10, held: 0, waiting: 0, unchanged: 0, refused: 0 });
    const { listing } = await awaitDossier(operator, 'mchp-0123f2408ea1fcf201', () => true);
    expect(listing).toMatchObject({
      path: 'registered',
      provenance: { line: 1, signedAt: '2025-06-01T20:14:53.773Z' },
    });
    await expect.poll(() => statusOf(listing?.fingerprint ?? ''), { timeout: 30_000 }).toBe('INACTIVE');
    await claim(operator, { id: 'mchp-0123f2408ea1fcf201' });
    await expect.poll(() => statusOf(listing?.fingerprint ?? ''), { timeout: 30_000 }).toBe('ACTIVE');
    const { things, policies } = await brokerSide(stage, listing?.fingerprint ?? '');
    expect(things).toEqual(['mchp-0123f2408ea1fcf201']);
    expect(policies).toEqual([stage.deployment.output(OUTPUTS.registrationPolicy)]);
    const again = await importManifest(operator, 'mchp', GENUINE);
    expect(again.results).toEqual({ accepted: 0, held: 0, waiting: 0, unchanged: 10, refused: 0 });
  },
);

test('T014 a device beyond the lot is held until another person approves its release', async () => {
  for (const serial of ['H1', 'H2', 'H3']) await makeDevice(station, serial);
  await agree(operator, 'acme', 'small', 2);
  const { manifestFile } = deliverLot(station, { product: 'monitor', lot: 'small', serials: ['H1', 'H2', 'H3'] });
  const { results, lines } = await importManifest(operator, 'acme', manifestFile);
  expect(results).toEqual({ accepted: 2, held: 1, waiting: 0, unchanged: 0, refused: 0 });
  const device = lines.find(({ result }) => result === 'held')?.device ?? '';
  await expect(claim(operator, { id: device })).rejects.toThrow('listing-held');
  const asked = accepted(
    await performAct<Shown>(operator, 'approve-act', { kind: 'request-release', devices: [device] }),
  );
  const approval = { kind: 'approve', approval: asked.approval, digest: asked.digest };
  expect(await performAct(operator, 'approve-act', approval)).toMatchObject({
    refusal: { reason: 'approver-is-requester' },
  });
  accepted(await performAct(second, 'approve-act', approval));
  await claim(operator, { id: device });
  expect(await performAct(second, 'approve-act', approval)).toMatchObject({ refusal: { reason: 'approval-used' } });
});

test('T022 an approver who is no operator changes no trust', async () => {
  const act = { kind: 'add-owner', owner: 'mallory' };
  expect(await performAct(second, 'change-trust', act)).toMatchObject({ refusal: { reason: 'not-permitted' } });
});

test('a manifest of a lot that nobody agreed is refused as a whole', async () => {
  await makeDevice(station, 'U1');
  const { manifestFile } = deliverLot(station, { product: 'monitor', lot: 'unagreed', serials: ['U1'] });
  const report = await importManifest(operator, 'acme', manifestFile);
  expect(report).toMatchObject({ outcome: 'refused', refusal: { reason: 'lot-unknown' }, lines: [] });
});

test('T021 ten thousand lines are listed once each, with a worker killed at every chunk', async () => {
  const lot = await deliverLargeLot(station, { lot: 'large', count: 10_000 });
  await agree(operator, 'acme', 'large', 10_000);
  const delivered = await deliverManifest(operator, 'acme', lot.manifestFile);
  const kills = killAtEachChunk(stage);
  const report = await awaitReport(operator, delivered).finally(kills.stop);
  expect(report.results).toEqual({ accepted: 10_000, held: 0, waiting: 0, unchanged: 0, refused: 0 });
  expect(new Set(report.lines.map(({ line }) => line)).size).toBe(10_000);
  expect(kills.count()).toBeGreaterThan(5);
  const again = await importManifest(operator, 'acme', lot.manifestFile);
  expect(again.results).toEqual({ accepted: 0, held: 0, waiting: 0, unchanged: 10_000, refused: 0 });
});

test('the CLI shows a listing with its provenance, and refuses a file of an unknown format', async () => {
  const shown = await wardkey(stage, 'listing', 'show', 'acme-H1', '--prefix', stage.deployment.place.prefix);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toMatch(/manifest.*line 2/);
  mkdirSync(stage.factories, { recursive: true });
  writeFileSync(join(stage.factories, 'x.docx'), 'x');
  const wrong = await wardkey(
    stage,
    'manifest',
    'import',
    'acme',
    join(stage.factories, 'x.docx'),
    '--prefix',
    'ward-e2e',
  );
  expect(wrong).toMatchObject({ code: 2 });
});

test('teardown also takes the certificates that were registered ahead, which hang on nothing', async () => {
  const done = await wardkey(stage, 'teardown', '--prefix', stage.deployment.place.prefix, '--yes', '--json');
  expect(JSON.parse(done.stdout)).toMatchObject({ removed: true, authorities: 1 });
  expect(await listCertificates(stage)).toEqual([]);
});

interface Shown {
  readonly approval: string;
  readonly digest: string;
}

async function statusOf(certificateId: string): Promise<string | undefined> {
  return (await brokerSide(stage, certificateId)).certificate?.status;
}

/** The corpus has DER and PEM files. */
function readPem(file: string): string {
  const bytes = readFileSync(file);
  if (bytes.includes('-----BEGIN')) return bytes.toString('utf8');
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
