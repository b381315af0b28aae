// Is anything wrong with the clusters of AWS CloudHSM, their backups, and the key stores of KMS on them? Decided from what the
// services say of them; each finding names the article of the runbook that helps.
import type { HsmBackup, HsmCluster, KeyStore } from '../ports.ts';
import { explainFailure } from './key-store-failure.ts';

export interface HsmSurvey {
  readonly clusters: readonly HsmCluster[];
  /** By the id of the cluster. */
  readonly backups: ReadonlyMap<string, readonly HsmBackup[]>;
  readonly keyStores: readonly KeyStore[];
}

/** Anchors of articles in infra/README.md; an alarm counts the findings of each. */
export const HSM_ARTICLES = [
  'hsm-cluster-unusable',
  'hsms-too-few',
  'hsm-backups-at-risk',
  'hsm-cluster-outdated',
  'key-store-disconnected',
  'key-store-failed',
] as const;

export type HsmArticle = (typeof HSM_ARTICLES)[number];

export interface Finding {
  readonly code: string;
  /** `broken`: keys cannot be used now. `at-risk`: they can, until something more happens. */
  readonly severity: 'broken' | 'at-risk';
  /** Id of the cluster or key store; of what is missing its kind. */
  readonly subject: string;
  readonly sentence: string;
  readonly article: HsmArticle;
}

/** What is broken comes first. A status that is not known here is a finding: nobody knows whether it is a good one. */
export function diagnose({ clusters, backups, keyStores }: HsmSurvey, now: string): readonly Finding[] {
  const standing = clusters.filter(({ status }) => !GONE.has(status));
  const none: Finding[] = standing.length === 0 ? [NO_CLUSTER] : [];
  const ofClusters = standing.flatMap((cluster) => [
    ...judgeCluster(cluster),
    ...judgeSettings(cluster),
    ...(READY_FOR_KEYS.has(cluster.status) ? judgeBackups(cluster, backups.get(cluster.id) ?? [], now) : []),
  ]);
  const ofStores = keyStores.flatMap((store) => judgeStore(store, standing));
  const found = [...none, ...ofClusters, ...ofStores];
  return [...found.filter(isBroken), ...found.filter((finding) => !isBroken(finding))];
}

/** Zones in which this cluster has an active HSM. */
export function activeZones({ hsms }: HsmCluster): ReadonlySet<string> {
  return new Set(hsms.flatMap(({ status, zone }) => (status === 'ACTIVE' && zone !== undefined ? [zone] : [])));
}

function isBroken({ severity }: Finding): boolean {
  return severity === 'broken';
}

function judgeCluster(cluster: HsmCluster): readonly Finding[] {
  const { id: subject, status } = cluster;
  if (!READY_FOR_KEYS.has(status)) {
    const sentence = `the cluster is ${status}, not ACTIVE: it holds no keys that anybody can use`;
    return [{ code: 'cluster-not-active', severity: 'broken', subject, sentence, article: 'hsm-cluster-unusable' }];
  }
  const degraded: Finding = {
    code: 'cluster-degraded',
    severity: 'at-risk',
    subject,
    sentence: 'the cluster is DEGRADED: AWS cannot keep all of its HSMs at work',
    article: 'hsm-cluster-unusable',
  };
  return [...(status === 'DEGRADED' ? [degraded] : []), ...judgeHsms(cluster)];
}

function judgeHsms(cluster: HsmCluster): readonly Finding[] {
  const { id: subject, hsms } = cluster;
  const article = 'hsms-too-few';
  const active = hsms.filter(({ status }) => status === 'ACTIVE').length;
  const zones = activeZones(cluster);
  if (active === 0) {
    const sentence = `none of the ${hsms.length} HSMs of the cluster is active: nothing signs and nothing is decrypted`;
    return [{ code: 'no-active-hsm', severity: 'broken', subject, sentence, article }];
  }
  // One zone that fails takes every HSM in it along; KMS makes keys only with two HSMs in two zones.
  if (zones.size >= 2) return [];
  const where = zones.size === 0 ? 'an unknown Availability Zone' : [...zones].join(', ');
  const sentence = `the active HSMs (${active}) stand in ${where} alone: expected two Availability Zones`;
  return [{ code: 'one-zone', severity: 'at-risk', subject, sentence, article }];
}

function judgeSettings({ id: subject, hsmType, mode }: HsmCluster): readonly Finding[] {
  const [severity, article] = ['at-risk', 'hsm-cluster-outdated'] as const;
  const old = 'the HSMs are of type hsm1.medium, whose FIPS 140-2 certificate is historical: move to hsm2m.medium';
  const open = `the cluster does not run in FIPS mode: expected FIPS, got ${mode ?? 'no word of a mode'}`;
  return [
    ...(hsmType === 'hsm1.medium' ? [{ code: 'hsm-type-old', severity, subject, sentence: old, article }] : []),
    ...(mode === 'FIPS' ? [] : [{ code: 'not-fips', severity, subject, sentence: open, article }]),
  ];
}

function judgeBackups(cluster: HsmCluster, backups: readonly HsmBackup[], now: string): readonly Finding[] {
  const { id: subject } = cluster;
  const [severity, article] = ['at-risk', 'hsm-backups-at-risk'] as const;
  const findings: Finding[] = [];
  const ready = backups.filter(({ status }) => status === 'READY').map(({ createdAt }) => Date.parse(createdAt));
  const newest = Math.max(...ready);
  if (ready.length === 0) {
    findings.push({ code: 'no-backup', severity, subject, sentence: 'the cluster has no backup to restore', article });
  } else if (Date.parse(now) - newest > BACKUP_HOURS * HOUR_MS) {
    const at = new Date(newest).toISOString();
    const sentence = `the newest backup is of ${at}, more than ${BACKUP_HOURS} hours ago: expected one each day`;
    findings.push({ code: 'backup-old', severity, subject, sentence, article });
  }
  const doomed = backups.filter((backup) => isDeletedEarly(backup, cluster, now));
  if (doomed.length > 0) {
    const first = doomed.map(({ goneAt = 'an unknown time' }) => goneAt).sort()[0] ?? '';
    const sentence = `somebody deleted backups (${doomed.length}) before their time; the first is gone for good at ${first}`;
    findings.push({ code: 'backup-deleted', severity, subject, sentence, article });
  }
  return findings;
}

/** A backup that waits for its deletion though the cluster's own retention would still keep it. That one deletes daily. */
function isDeletedEarly({ status, createdAt, goneAt }: HsmBackup, { retentionDays }: HsmCluster, now: string): boolean {
  if (status !== 'PENDING_DELETION') return false;
  if (retentionDays === undefined) return true;
  // What is deleted can be restored for seven days: so long before its end the deletion was asked for.
  const askedAt = goneAt === undefined ? Date.parse(now) : Date.parse(goneAt) - RESTORABLE_DAYS * DAY_MS;
  return askedAt < Date.parse(createdAt) + (retentionDays - SLACK_DAYS) * DAY_MS;
}

function judgeStore(store: KeyStore, clusters: readonly HsmCluster[]): readonly Finding[] {
  const { id: subject, name, clusterId, connection, errorCode } = store;
  const severity = 'broken';
  if (!clusters.some(({ id }) => id === clusterId)) {
    const sentence = `key store "${name}" stands on cluster ${clusterId}, which is not there`;
    return [{ code: 'key-store-cluster-absent', severity, subject, sentence, article: 'key-store-failed' }];
  }
  if (connection === 'CONNECTED' || connection === 'CONNECTING') return [];
  if (connection === 'FAILED') {
    const { happened, toDo } = explainFailure(errorCode);
    const sentence = `key store "${name}" failed to connect (${errorCode ?? 'no code'}): ${happened}. ${toDo}`;
    return [{ code: 'key-store-failed', severity, subject, sentence, article: 'key-store-failed' }];
  }
  const sentence = `key store "${name}" is ${connection}: no key in it can be used`;
  return [{ code: 'key-store-disconnected', severity, subject, sentence, article: 'key-store-disconnected' }];
}

const GONE = new Set(['DELETE_IN_PROGRESS', 'DELETED']);
/** In these a cluster goes on working; every other status, known or not, is reported. */
const READY_FOR_KEYS = new Set([
  'ACTIVE',
  'DEGRADED',
  'UPDATE_IN_PROGRESS',
  'MODIFY_IN_PROGRESS',
  'ROLLBACK_IN_PROGRESS',
]);
const NO_CLUSTER: Finding = {
  code: 'no-cluster',
  severity: 'broken',
  subject: 'cluster',
  sentence: 'there is no such cluster in this account and Region',
  article: 'hsm-cluster-unusable',
};
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** AWS makes a backup at least once in 24 hours; half a day more for the time it takes. */
const BACKUP_HOURS = 36;
/** https://docs.aws.amazon.com/cloudhsm/latest/userguide/delete-restore-backup.html */
const RESTORABLE_DAYS = 7;
const SLACK_DAYS = 1;
