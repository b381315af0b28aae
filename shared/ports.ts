// Which outside world does Wardkey need? Small interfaces with their contracts; types only.
// Every method may throw: a fault of the other side, or an answer that was lost. Nothing is known to have happened then.

export type TableName = 'whitelist' | 'devices' | 'owners' | 'ledger';

export interface RowKey {
  readonly table: TableName;
  readonly pk: string;
  readonly sk: string;
}

/** What a row holds, without its key. Read back only through a parse function of its chapter. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface Versioned {
  readonly version: number;
}

export type Change =
  /** The key must not exist. */
  | { readonly create: RowKey; readonly row: object }
  /** The row under the key must have exactly `previous.version`. */
  | { readonly replace: RowKey; readonly previous: Versioned; readonly next: Versioned };

export interface Registry {
  /** Strongly consistent, in the order of the keys; undefined where there is no row. At most 100 keys. */
  read(keys: readonly RowKey[]): Promise<readonly (Attributes | undefined)[]>;
  /** Every row of a partition whose sort key begins with the prefix, strongly consistent, in order of sort key. */
  list(table: TableName, pk: string, prefix: string): Promise<readonly (Attributes & { readonly sk: string })[]>;
  /**
   * All or nothing, at most 100 changes, each row once. `lost`: a comparison failed and nothing was written. A change
   * that carries `brokerPending` appears in `pendingAlignments`, soon after.
   */
  commit(changes: readonly Change[]): Promise<'committed' | 'lost'>;
  /** Adds one to `repeats` of a row, unconditionally, for counts that decide nothing; `absent` when there is no such row. */
  countRepeat(key: RowKey): Promise<'counted' | 'absent'>;
  /**
   * Keys of rows whose `brokerPending` is at or before the time, devices and authorities before certificates; a hint that
   * may lag, read the row before acting.
   */
  pendingAlignments(before: string, limit: number): Promise<readonly RowKey[]>;
}

/** Asks for a look at a row that the broker may not match; a lost request is found again by the sweep of `align-broker`. */
export interface AlignmentQueue {
  request(device: string): Promise<void>;
  /** A certificate that nobody waits for: a reel of chips must not stand before a device. */
  requestCertificate(certificateId: string): Promise<void>;
  /** A certificate that was refused for good: no less urgent than a device. */
  requestRevocation(certificateId: string): Promise<void>;
  /** Asks `change-trust`, which alone changes authorities. */
  requestAuthority(caCertificateId: string): Promise<void>;
}

export type BrokerStatus = 'ACTIVE' | 'INACTIVE' | 'REVOKED' | 'PENDING_ACTIVATION' | 'PENDING_TRANSFER';

export interface BrokerCertificate {
  readonly certificateId: string;
  readonly arn: string;
  readonly status: BrokerStatus;
  readonly pem: string;
}

/** Device certificates, things and policy attachments of AWS IoT Core. Only align-broker and teardown change them. */
export interface Broker {
  findCertificate(certificateId: string): Promise<BrokerCertificate | undefined>;
  /** Without a CA and INACTIVE; idempotent: one that is there already is left as it is. */
  registerCertificate(certificatePem: string): Promise<void>;
  /** Under its issuing CA, which is registered, and INACTIVE; idempotent: one that is there already is left as it is. */
  registerIssued(certificatePem: string): Promise<void>;
  setStatus(certificateId: string, status: 'ACTIVE' | 'INACTIVE' | 'REVOKED'): Promise<void>;
  /** Idempotent. */
  createThing(name: string): Promise<void>;
  /** Idempotent. The certificate may be attached to no other thing (EXCLUSIVE_THING). */
  attachThing(name: string, certificateArn: string): Promise<void>;
  /** Idempotent. */
  attachPolicy(policy: string, certificateArn: string): Promise<void>;
  listThings(certificateArn: string): Promise<readonly string[]>;
  listPolicies(certificateArn: string): Promise<readonly string[]>;
  detachThing(name: string, certificateArn: string): Promise<void>;
  detachPolicy(policy: string, certificateArn: string): Promise<void>;
  /** The certificate must be inactive and attached to nothing; absent is fine. */
  deleteCertificate(certificateId: string): Promise<void>;
  /** Absent is fine. */
  deleteThing(name: string): Promise<void>;
  /** ARNs of the certificates that a policy is attached to; none when there is no such policy. */
  listPolicyTargets(policy: string): Promise<readonly string[]>;
}

/**
 * Certificate authorities of AWS IoT Core. Of manufacturers: only change-trust and teardown change them; of owners: only
 * create-authority and teardown.
 */
export interface AuthorityRegistry {
  /** An owner's issuing CA: SNI_ONLY, ACTIVE, no certificate enters by connecting; idempotent. Answers IoT Core's id of it. */
  registerIssuing(certificatePem: string): Promise<string>;
  /** Registers in SNI_ONLY mode, ACTIVE, with auto-registration; idempotent. Answers IoT Core's id of the CA. */
  register(certificatePem: string): Promise<string>;
  isRegistered(caCertificateId: string): Promise<boolean>;
  /** No new certificate enters under this CA, which is no longer used; absent is fine. */
  stopRegistration(caCertificateId: string): Promise<void>;
  /** Whether new certificates may enter under this CA; those that did are not affected. Idempotent; absent is fine. */
  setRegistration(caCertificateId: string, may: 'enter' | 'not-enter'): Promise<void>;
  /** Ids of the certificates that entered under this CA; none when it is absent. */
  listCertificates(caCertificateId: string): Promise<readonly string[]>;
  /** Deactivates and deletes; absent is fine. Certificates that entered under it stay. */
  remove(caCertificateId: string): Promise<void>;
}

export interface StoredObject {
  readonly key: string;
  readonly versionId: string;
}

/** The manifest bucket: versioned, so that a check and a use see the same bytes. */
export interface ManifestStore {
  /** The newest version under the key; undefined when there is none. */
  findNewest(key: string): Promise<StoredObject | undefined>;
  /** The bytes of exactly this version, in pieces of any size. */
  read(object: StoredObject): AsyncIterable<Uint8Array>;
  /** A new version under the key. */
  write(key: string, body: string): Promise<void>;
}

/** Asks `list-devices` for a chunk of a verified manifest. */
export interface ChunkQueue {
  request(chunk: ChunkRequest): Promise<void>;
}

export interface ChunkRequest {
  readonly signatureKey: string;
  readonly signatureVersion: string;
  readonly chunk: number;
  /** Lower-case hex SHA-256 of the chunk's object: what is listed is what was verified. */
  readonly digest: string;
}

/** Who signed this request with AWS credentials? Asked of AWS STS itself. */
export interface CallerIdentity {
  /** The caller's ARN; undefined when STS does not accept the signature. */
  identify(proof: SignedIdentityRequest): Promise<string | undefined>;
}

/** Signature headers of an sts:GetCallerIdentity request; its body and endpoint are fixed. */
export interface SignedIdentityRequest {
  readonly headers: Readonly<Record<string, string>>;
}

/** RFC 7518 3.4 and RFC 8037: ECDSA on P-256 over SHA-256, ECDSA on P-384 over SHA-384, Ed25519. */
export type SigningAlgorithm = 'ES256' | 'ES384' | 'EdDSA';

/**
 * A private key that signs and never leaves its home. Calls may overlap. One that throws may have signed all the same:
 * nobody has seen that signature, and asking again for the same bytes does no harm.
 */
export interface CertificateSigner {
  readonly algorithm: SigningAlgorithm;
  /** SubjectPublicKeyInfo in DER: a named curve and an uncompressed point (RFC 5480), or Ed25519 (RFC 8410). */
  publicKey(): Promise<Uint8Array>;
  /**
   * Signs from 1 byte on, under EdDSA at most 4,096. Answers what X.509 wants: Ecdsa-Sig-Value in DER (RFC 3279 2.2.3),
   * or the 64 bytes of Ed25519. Whoever uses it has verified it: `signVerified` of the issuance chapter.
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Messages to devices, on their own topics. */
export interface DeviceTopics {
  /** QoS 1, not retained: a device that is away does not hear it, and asks again. */
  publish(topic: string, body: object): Promise<void>;
}

/** What AWS KMS says of a key that was made at run time. */
export interface KeyInspector {
  /** Undefined when there is none of this ARN. */
  describe(keyArn: string): Promise<KeyDescription | undefined>;
}

export interface KeyDescription {
  readonly spec: string;
  readonly usage: string;
  /** `Enabled`, or why not. */
  readonly status: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The key policy, JSON. */
  readonly policy: string;
  /** SubjectPublicKeyInfo in DER, of keys that sign. */
  readonly publicKey?: Uint8Array;
}

/** Opens the home of a signing key that this process can reach. */
export interface KeyHomes {
  /** `record` is awaited after each call that may have signed; when it throws, the signature is not answered. */
  open(key: KmsKey, record: (attempt: SignatureAttempt) => Promise<void>): CertificateSigner;
}

export interface KmsKey {
  readonly keyArn: string;
  readonly algorithm: SigningAlgorithm;
}

/** One call to a key home: with its request id, CloudTrail's record of it can be found. */
export interface SignatureAttempt {
  readonly keyArn: string;
  /** From 1 on, for one signature. */
  readonly number: number;
  /** Name of the error; undefined for an answer. */
  readonly error: string | undefined;
  /** Undefined when no answer came: CloudTrail may know the call all the same. */
  readonly requestId: string | undefined;
}

/** Recorded intents for a signer beside an HSM that this process cannot reach; it answers by another queue. */
export interface SigningQueue {
  request(order: SigningOrder): Promise<void>;
}

/** Where issuing CAs publish what they take back. */
export interface RevocationListStore {
  /** Undefined when there is no such object. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Replaces what was there. */
  write(key: string, bytes: Uint8Array): Promise<void>;
}

/** Which recorded intent is to be signed. */
export type SigningIntent =
  | { readonly kind: 'certificate'; readonly device: string; readonly requestId: string }
  | { readonly kind: 'list'; readonly issuer: string; readonly number: number };

export interface SigningOrder {
  /** The answer names it again. */
  readonly intent: SigningIntent;
  /** Name of the key in its token. */
  readonly key: string;
  readonly algorithm: SigningAlgorithm;
  /** What is to be signed, base64. */
  readonly tbs: string;
}

export interface Clock {
  /** ISO 8601, UTC, milliseconds. */
  now(): string;
  /** Returns after at least so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
}

/**
 * AWS CloudHSM of one account and Region. A status is the word of the service, also one that it may add one day: whoever
 * decides by it decides what an unknown one means.
 */
export interface HsmFleet {
  /** Every cluster, also those that are being deleted. */
  clusters(): Promise<readonly HsmCluster[]>;
  /** Every backup of a cluster that is not deleted yet, also those that wait for it. */
  backups(clusterId: string): Promise<readonly HsmBackup[]>;
}

export interface HsmCluster {
  readonly id: string;
  readonly status: string;
  /** `hsm1.medium`, `hsm2m.medium`. */
  readonly hsmType: string;
  /** `FIPS` or `NON_FIPS`; undefined when the service does not say. */
  readonly mode: string | undefined;
  /** After so many days the service itself deletes a backup; undefined when it deletes none. */
  readonly retentionDays: number | undefined;
  /** Its subnets, by Availability Zone. */
  readonly subnets: Readonly<Record<string, string>>;
  readonly securityGroup: string | undefined;
  /** PEM; signed by the trust anchor. Undefined before the cluster is initialised. Clusters with a common history share it. */
  readonly certificate: string | undefined;
  readonly hsms: readonly Hsm[];
}

export interface Hsm {
  readonly id: string;
  readonly status: string;
  readonly zone: string | undefined;
}

/** Times are ISO 8601. */
export interface HsmBackup {
  readonly id: string;
  readonly status: string;
  readonly createdAt: string;
  /** When it is gone for good, once its deletion was asked for. */
  readonly goneAt: string | undefined;
}

/** Key stores of AWS KMS that stand on AWS CloudHSM. */
export interface KeyStores {
  list(): Promise<readonly KeyStore[]>;
  /** Not idempotent: who lost the answer finds the key store in `list`. It begins DISCONNECTED. */
  create(wish: KeyStoreWish): Promise<KeyStoreAnswer>;
  /** Tells KMS the password of `kmsuser`; changes none in the cluster. DISCONNECTED only. */
  setPassword(id: string, password: string): Promise<KeyStoreAnswer>;
  /** Begins to connect, which may take 20 minutes; not while DISCONNECTING and not after a failure. */
  connect(id: string): Promise<KeyStoreAnswer>;
  /** Begins to disconnect, also what failed to connect. */
  disconnect(id: string): Promise<KeyStoreAnswer>;
}

export interface KeyStore {
  readonly id: string;
  readonly name: string;
  readonly clusterId: string;
  /** PEM, as it was given when the key store was made. */
  readonly trustAnchor: string | undefined;
  /** CONNECTED, CONNECTING, DISCONNECTED, DISCONNECTING or FAILED. */
  readonly connection: string;
  /** Why it FAILED. */
  readonly errorCode: string | undefined;
}

export interface KeyStoreWish {
  readonly name: string;
  readonly clusterId: string;
  /** PEM. */
  readonly trustAnchor: string;
  readonly password: string;
}

/** What KMS says no to; nothing has changed then. */
export type KeyStoreProblem =
  | 'name-in-use'
  | 'cluster-in-use'
  | 'cluster-unknown'
  | 'cluster-not-active'
  | 'cluster-misconfigured'
  | 'trust-anchor-differs'
  | 'limit-reached'
  | 'store-unknown'
  | 'status-differs';

export type KeyStoreAnswer = 'done' | KeyStoreProblem;
