// How does a key store of AWS KMS come to stand on a CloudHSM cluster? What must be so before, asked of what the services say,
// and the next step from wherever the last attempt ended.
// https://docs.aws.amazon.com/kms/latest/developerguide/create-keystore.html
import { X509Certificate } from 'node:crypto';

import type { HsmCluster, KeyStore } from '../ports.ts';
import { activeZones } from './hsm-health.ts';
import { explainFailure } from './key-store-failure.ts';

export interface KeyStoreOrder {
  readonly name: string;
  readonly clusterId: string;
  /** PEM of customerCA.crt. */
  readonly trustAnchor: string;
  readonly region: string;
  /** The password of kmsuser was set anew in the cluster: KMS is told before it connects. */
  readonly passwordChanged: boolean;
}

/** One thing that must be so; `problem` says what is so instead. */
export interface Precondition {
  readonly title: string;
  readonly problem: string | undefined;
}

export interface KeyStoreFacts {
  readonly clusters: readonly HsmCluster[];
  readonly keyStores: readonly KeyStore[];
}

/** Everything that can be asked of AWS and of the file; the rest are `QUESTIONS`. */
export function checkPreconditions(order: KeyStoreOrder, facts: KeyStoreFacts): readonly Precondition[] {
  const { clusterId, region } = order;
  const cluster = facts.clusters.find(({ id }) => id === clusterId);
  const ours = findStore(order, facts.keyStores);
  const must = (title: string, problem: string | undefined): Precondition => ({ title, problem });
  const general = [
    must('the Region has CloudHSM key stores', WITHOUT.test(region) ? `there are none in ${region}` : undefined),
    must('the name is one that KMS takes', isStoreName(order.name) ? undefined : 'expected 1 to 256 characters'),
    must('no other key store has this name or this cluster', findOther(order, facts.keyStores)),
    must('the trust anchor is one self-signed certificate', judgeAnchor(order.trustAnchor)),
    must('the cluster exists', cluster === undefined ? `there is no ${clusterId} in ${region}` : undefined),
  ];
  if (cluster === undefined) return general;
  return [
    ...general,
    must('the cluster is ACTIVE', cluster.status === 'ACTIVE' ? undefined : `it is ${cluster.status}`),
    must('it has subnets in two Availability Zones', tooFew(Object.keys(cluster.subnets).length, 2)),
    // KMS asks for two to make a key store, and for one to connect it.
    ours === undefined
      ? must('it has active HSMs in two Availability Zones', tooFew(activeZones(cluster).size, 2))
      : must('it has an active HSM', tooFew(activeZones(cluster).size, 1)),
    must('the trust anchor has signed the certificate of the cluster', judgeSignature(order.trustAnchor, cluster)),
    must('no cluster of a common history has a key store', findRelative(cluster, facts)),
    ...(ours === undefined
      ? []
      : [must('the key store that is there has this trust anchor', differs(order.trustAnchor, ours.trustAnchor))]),
  ];
}

/** What neither AWS CloudHSM nor KMS says: a person looks, with the command beside it. */
export function questionsFor({ securityGroup = '<security group>', subnets }: HsmCluster): readonly Question[] {
  return [
    {
      question:
        'the cluster has a crypto user named kmsuser, without multi-factor authentication, and nobody is logged in as it',
      command: 'cloudhsm-cli: user list',
    },
    {
      question: 'the cluster does not ask clients for certificates (mutual TLS)',
      command: 'cloudhsm-cli: cluster mtls get-enforcement',
    },
    {
      question: 'its security group lets TCP 2223 to 2225 through within the group, in and out',
      command: `aws ec2 describe-security-groups --group-ids ${securityGroup}`,
    },
    {
      question: 'its subnets are private, and each has two free addresses',
      command: `aws ec2 describe-subnets --subnet-ids ${Object.values(subnets).join(' ')}`,
    },
  ];
}

export interface Question {
  readonly question: string;
  readonly command: string;
}

export type KeyStoreStep =
  | { readonly step: 'create' | 'set-password' | 'connect' | 'disconnect' | 'wait' | 'finished' }
  | { readonly step: 'failed'; readonly code: string; readonly happened: string; readonly toDo: string };

/**
 * From what is there now to the next call. `tried` are the steps that this attempt has taken already: none is taken twice,
 * so that what fails is told and not repeated. Whoever dies between two steps begins here again.
 */
export function nextStep(order: KeyStoreOrder, stores: readonly KeyStore[], tried: ReadonlySet<string>): KeyStoreStep {
  const store = findStore(order, stores);
  const once = (step: 'create' | 'set-password' | 'connect' | 'disconnect'): KeyStoreStep =>
    tried.has(step) ? { step: 'wait' } : { step };
  if (store === undefined) return once('create');
  const { connection, errorCode } = store;
  if (connection === 'CONNECTED') return { step: 'finished' };
  if (connection === 'CONNECTING' || connection === 'DISCONNECTING') return { step: 'wait' };
  // A new password first: KMS takes one only while disconnected.
  if (connection === 'DISCONNECTED')
    return once(order.passwordChanged && !tried.has('set-password') ? 'set-password' : 'connect');
  const failure = explainFailure(errorCode);
  const known = connection === 'FAILED';
  // Another try with a password that was refused brings kmsuser nearer to its lock-out.
  if (!known || tried.has('connect') || (failure.needsPassword && !order.passwordChanged))
    return { step: 'failed', code: errorCode ?? connection, happened: failure.happened, toDo: failure.toDo };
  return once('disconnect');
}

/** The key store that this order made, or would make: same name and same cluster. */
export function findStore({ name, clusterId }: KeyStoreOrder, stores: readonly KeyStore[]): KeyStore | undefined {
  return stores.find((store) => store.name === name && store.clusterId === clusterId);
}

/** KMS asks for letters and digits; nothing else is sent, so that no answer needs to quote it. */
export function isKeyStorePassword(text: string): boolean {
  return /^[A-Za-z0-9]{7,32}$/.test(text);
}

function isStoreName(name: string): boolean {
  return name.length >= 1 && name.length <= 256;
}

function findOther({ name, clusterId }: KeyStoreOrder, stores: readonly KeyStore[]): string | undefined {
  const other = stores.find((store) => (store.name === name) !== (store.clusterId === clusterId));
  return other === undefined ? undefined : `${other.id} is "${other.name}" on ${other.clusterId}`;
}

function tooFew(count: number, least: number): string | undefined {
  return count >= least ? undefined : `expected ${least} or more, got ${count}`;
}

/** KMS trusts whatever this key has signed: an intermediate, or a file with more in it, is not what the cluster was made with. */
function judgeAnchor(pem: string): string | undefined {
  if (pem.length > LONGEST_ANCHOR) return `expected at most ${LONGEST_ANCHOR} characters, got ${pem.length}`;
  const blocks = pem.split('-----BEGIN ').length - 1;
  if (blocks !== 1) return `expected one certificate in PEM, got ${blocks} blocks`;
  const certificate = parseCertificate(pem);
  if (certificate === undefined) return 'expected one certificate in PEM';
  return certificate.verify(certificate.publicKey) ? undefined : 'another key has signed it';
}

function judgeSignature(pem: string, { certificate }: HsmCluster): string | undefined {
  if (certificate === undefined) return 'the cluster has no certificate yet: it is not initialised';
  const [anchor, signed] = [parseCertificate(pem), parseCertificate(certificate)];
  if (anchor !== undefined && signed?.verify(anchor.publicKey) === true) return undefined;
  return 'another key has signed it: is this the customerCA.crt of this cluster?';
}

/** Clusters from one backup share their certificate, and KMS takes one of them. */
function findRelative({ id, certificate }: HsmCluster, { clusters, keyStores }: KeyStoreFacts): string | undefined {
  const relatives = clusters.filter((other) => other.id !== id && sameText(other.certificate, certificate));
  const taken = keyStores.find(({ clusterId }) => relatives.some((relative) => relative.id === clusterId));
  return taken === undefined ? undefined : `${taken.clusterId} has "${taken.name}" and shares its backups`;
}

function differs(pem: string, present: string | undefined): string | undefined {
  const [given, kept] = [parseCertificate(pem), present === undefined ? undefined : parseCertificate(present)];
  return kept === undefined || given?.fingerprint256 === kept.fingerprint256 ? undefined : 'it was made with another';
}

function sameText(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one.trim() === other?.trim();
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

const LONGEST_ANCHOR = 5000;
/** Regions without CloudHSM key stores, as the documentation of KMS names them. */
const WITHOUT = /^(cn-.*|ap-southeast-4|eu-south-2)$/;
