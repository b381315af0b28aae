// What counts as wrong with a cluster of AWS CloudHSM, its backups and the key stores on it? One change at a time of a fleet
// with which nothing is wrong.
import { readFileSync } from 'node:fs';

import { ConnectionErrorCode, healthy, judge, NOW } from './hsm-scene.ts';
import { beforeAll, describe, expect, test } from 'vitest';

import { diagnose, HSM_ARTICLES, type HsmSurvey } from '../../../shared/governance/hsm-health.ts';
import { explainFailure } from '../../../shared/governance/key-store-failure.ts';
import type { HsmBackup, HsmCluster, KeyStore } from '../../../shared/ports.ts';
import { CLUSTER, makeBackup, makeKeyStore } from '../../pki/hsm-cluster.ts';

let well: HsmSurvey;
beforeAll(async () => {
  well = await healthy();
});

test('nothing is wrong with a cluster in two zones, in FIPS mode, with a backup of today and a key store connected', () => {
  expect(diagnose(well, NOW)).toEqual([]);
});

const HSM = { id: 'hsm-a', status: 'ACTIVE', zone: 'eu-central-1a' };

test.each<[what: string, changes: Partial<HsmCluster>, codes: readonly string[]]>([
  ['has no HSM', { hsms: [] }, ['broken no-active-hsm']],
  ['has only HSMs that are being made', { hsms: [{ ...HSM, status: 'CREATE_IN_PROGRESS' }] }, ['broken no-active-hsm']],
  ['has one active HSM', { hsms: [HSM, { ...HSM, status: 'DEGRADED', zone: 'b' }] }, ['at-risk one-zone']],
  ['has two HSMs in one zone', { hsms: [HSM, { ...HSM, id: 'hsm-b' }] }, ['at-risk one-zone']],
  ['has an HSM in no zone', { hsms: [HSM, { ...HSM, zone: undefined }] }, ['at-risk one-zone']],
  ['is degraded', { status: 'DEGRADED' }, ['at-risk cluster-degraded']],
  [
    'is degraded and has no HSM',
    { status: 'DEGRADED', hsms: [] },
    ['broken no-active-hsm', 'at-risk cluster-degraded'],
  ],
  ['has HSMs of the old type', { hsmType: 'hsm1.medium' }, ['at-risk hsm-type-old']],
  ['is not in FIPS mode', { mode: 'NON_FIPS' }, ['at-risk not-fips']],
  ['says nothing of its mode', { mode: undefined }, ['at-risk not-fips']],
  ['is being changed', { status: 'MODIFY_IN_PROGRESS' }, []],
  ['is being updated', { status: 'UPDATE_IN_PROGRESS' }, []],
  ['is being rolled back', { status: 'ROLLBACK_IN_PROGRESS' }, []],
  // Of a cluster that holds no keys yet one thing is said, not ten.
  ['is being made', { status: 'CREATE_IN_PROGRESS', hsms: [] }, ['broken cluster-not-active']],
  ['is not initialised', { status: 'UNINITIALIZED', hsms: [] }, ['broken cluster-not-active']],
  ['is being initialised', { status: 'INITIALIZE_IN_PROGRESS', hsms: [] }, ['broken cluster-not-active']],
  ['is not activated', { status: 'INITIALIZED', hsms: [] }, ['broken cluster-not-active']],
  ['has a status that nobody knows', { status: 'ON_HOLIDAY' }, ['broken cluster-not-active']],
])('a cluster that %s', (_what, changes, codes) => {
  const { clusters } = well;
  expect(judge({ ...well, clusters: clusters.map((cluster) => ({ ...cluster, ...changes })) })).toEqual(codes);
});

test('a cluster that holds no keys yet needs no backup', () => {
  const clusters = well.clusters.map((cluster) => ({ ...cluster, status: 'UNINITIALIZED' }));
  expect(judge({ clusters, backups: new Map(), keyStores: [] })).toEqual(['broken cluster-not-active']);
});

test.each(['DELETED', 'DELETE_IN_PROGRESS'])(
  'a cluster that is %s is none, and its key store hangs in the air',
  (status) => {
    const clusters = well.clusters.map((cluster) => ({ ...cluster, status }));
    expect(judge({ ...well, clusters, keyStores: [] })).toEqual(['broken no-cluster']);
    expect(judge({ ...well, clusters })).toEqual(['broken no-cluster', 'broken key-store-cluster-absent']);
  },
);

const HOUR = 3_600_000;
const hoursAgo = (hours: number) => new Date(Date.parse(NOW) - hours * HOUR).toISOString();

describe('backups', () => {
  const doomed = (ageDays: number, deletedDaysAgo: number) => ({
    id: 'backup-old',
    status: 'PENDING_DELETION',
    createdAt: hoursAgo(24 * ageDays),
    goneAt: hoursAgo(24 * (deletedDaysAgo - 7)),
  });

  test.each<[what: string, backups: readonly HsmBackup[], codes: readonly string[]]>([
    ['none', [], ['at-risk no-backup']],
    ['one that is being made', [makeBackup({ status: 'CREATE_IN_PROGRESS' })], ['at-risk no-backup']],
    ['one of 36 hours ago', [makeBackup({ createdAt: hoursAgo(36) })], []],
    ['one of a little more', [makeBackup({ createdAt: hoursAgo(36.01) })], ['at-risk backup-old']],
    ['an old one and a new one', [makeBackup({ createdAt: hoursAgo(99) }), makeBackup()], []],
    ['one that the retention of 90 days deletes', [makeBackup(), doomed(92, 2)], []],
    ['one that it deletes on the day', [makeBackup(), doomed(90, 0)], []],
    ['one that somebody deleted before', [makeBackup(), doomed(80, 2)], ['at-risk backup-deleted']],
    ['one that was deleted early and is old by now', [makeBackup(), doomed(92, 4)], ['at-risk backup-deleted']],
    [
      'one that is deleted at an unknown time',
      [makeBackup(), { ...doomed(10, 0), goneAt: undefined }],
      ['at-risk backup-deleted'],
    ],
    ['none but one deleted', [doomed(1, 0)], ['at-risk no-backup', 'at-risk backup-deleted']],
  ])('%s', (_what, backups, codes) => {
    expect(judge({ ...well, backups: new Map([[CLUSTER, backups]]) })).toEqual(codes);
  });

  test('of a cluster that deletes none by itself, every deletion is somebody', () => {
    const clusters = well.clusters.map((cluster) => ({ ...cluster, retentionDays: undefined }));
    const backups = new Map([[CLUSTER, [makeBackup(), doomed(400, 1)]]]);
    expect(judge({ clusters, backups, keyStores: [] })).toEqual(['at-risk backup-deleted']);
  });

  test('many that were deleted are one finding, which says when the first is gone for good', () => {
    const backups = [makeBackup(), doomed(3, 1), doomed(4, 2), doomed(5, 1)];
    const findings = diagnose({ ...well, backups: new Map([[CLUSTER, backups]]) }, NOW);
    expect(findings).toMatchObject([{ subject: CLUSTER }]);
    expect(findings[0]?.sentence).toContain(
      `(3) before their time; the first is gone for good at ${hoursAgo(-5 * 24)}`,
    );
  });
});

test.each<[what: string, changes: Partial<KeyStore>, codes: readonly string[]]>([
  ['is connecting', { connection: 'CONNECTING' }, []],
  ['is disconnected', { connection: 'DISCONNECTED' }, ['broken key-store-disconnected']],
  ['is being disconnected', { connection: 'DISCONNECTING' }, ['broken key-store-disconnected']],
  ['has a status that nobody knows', { connection: 'ON_HOLIDAY' }, ['broken key-store-disconnected']],
  ['failed', { connection: 'FAILED', errorCode: 'USER_NOT_FOUND' }, ['broken key-store-failed']],
  ['failed and says no reason', { connection: 'FAILED' }, ['broken key-store-failed']],
  ['stands on no cluster', { clusterId: 'cluster-gonegonegone' }, ['broken key-store-cluster-absent']],
])('a key store that %s', (_what, changes, codes) => {
  expect(judge({ ...well, keyStores: [makeKeyStore(changes)] })).toEqual(codes);
});

const CODES = Object.values(ConnectionErrorCode).filter((code) => !code.startsWith('XKS_'));

test.each(CODES)('the error code %s of KMS is explained: what happened and what there is to do', (code) => {
  const { happened, toDo } = explainFailure(code);
  expect(happened).not.toContain(code);
  expect(toDo.length).toBeGreaterThan(20);
  const [finding] = diagnose({ ...well, keyStores: [makeKeyStore({ connection: 'FAILED', errorCode: code })] }, NOW);
  expect(finding?.sentence).toContain(`(${code}): ${happened}. ${toDo}`);
});

test('the codes of an external key store are not ours: they are named and no more', () => {
  expect(explainFailure('XKS_PROXY_TIMED_OUT').happened).toBe('KMS could not connect and says "XKS_PROXY_TIMED_OUT"');
  expect(explainFailure(undefined).happened).toBe('KMS could not connect and says no reason');
});

test('every article is in the runbook, and every code of KMS stands in the one of failures', () => {
  const readme = readFileSync('infra/README.md', 'utf8');
  const titles = [...readme.matchAll(/^### (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'));
  expect(HSM_ARTICLES.filter((article) => !titles.includes(article))).toEqual([]);
  expect(CODES.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
