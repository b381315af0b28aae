// Which environment variables does each function read? Named once, for the handlers that read and the stage that sets.

/** Where each step lives; the stage makes one Lambda function of each, and the CLI finds them by these names. */
export const STEPS = {
  'import-manifest': 'whitelist',
  'list-devices': 'whitelist',
  'claim-devices': 'whitelist',
  'register-device': 'onboarding',
  'align-broker': 'onboarding',
  'create-authority': 'issuance',
  'issue-certificate': 'issuance',
  'confirm-certificate': 'issuance',
  'push-renewals': 'issuance',
  'publish-crl': 'issuance',
  'watch-sessions': 'governance',
  'change-trust': 'governance',
  'change-standing': 'governance',
  'approve-act': 'governance',
  'show-device': 'governance',
  'guard-deletion': 'governance',
  'watch-hsm': 'evidence',
} as const;

export type StepName = keyof typeof STEPS;

/** Only with `-c hsm=true`: who has no cluster of AWS CloudHSM pays for no watch over one. */
export const HSM_STEPS: readonly StepName[] = ['watch-hsm'];

export const TABLE_VARIABLES = {
  whitelist: 'WHITELIST_TABLE',
  devices: 'DEVICES_TABLE',
  owners: 'OWNERS_TABLE',
  ledger: 'LEDGER_TABLE',
} as const;

export const VARIABLES = {
  ...TABLE_VARIABLES,
  /** Bucket of manifests, their signatures and reports. */
  manifests: 'MANIFEST_BUCKET',
  /** Queue that asks align-broker to look at a device. */
  alignments: 'ALIGNMENT_QUEUE_URL',
  /** Queue that asks align-broker to make a certificate known that nobody can bring by connecting. */
  certificates: 'CERTIFICATE_QUEUE_URL',
  /** Queue that asks change-trust to look at a certificate authority. */
  authorities: 'AUTHORITY_QUEUE_URL',
  /** Queue of chunks of verified manifests. */
  chunks: 'CHUNK_QUEUE_URL',
  /** Queue of recorded intents for a signer beside an HSM. */
  signing: 'SIGNING_QUEUE_URL',
  /** ARN of the queue in which such a signer answers about certificates. */
  signed: 'SIGNED_QUEUE_ARN',
  /** ARN of the queue in which it answers about revocation lists. */
  signedLists: 'SIGNED_LIST_QUEUE_ARN',
  /** IoT policy of a device that holds its factory certificate only. */
  registrationPolicy: 'REGISTRATION_POLICY',
  /** IoT policy of a device that holds an operational certificate. */
  operationPolicy: 'OPERATION_POLICY',
  /** JSON: the principals of each role (shared/governance/permissions.ts). */
  roles: 'WARDKEY_ROLES',
  /** How many days a refused certificate may wait for activation at the broker. */
  pendingDays: 'WARDKEY_PENDING_DAYS',
  /** Twelve digits: the account whose broker we listen to. */
  account: 'WARDKEY_ACCOUNT',
} as const;

/** The sparse index of rows that AWS IoT Core may not match yet (Devices table). */
export const PENDING_INDEX = { name: 'pending', partitionKey: 'pendingShard', sortKey: 'brokerPending' } as const;

/** Key attributes of every table. */
export const TABLE_KEY = { partitionKey: 'pk', sortKey: 'sk' } as const;

/** Names of the CloudFormation outputs by which the CLI finds a deployment. */
export const OUTPUTS = {
  function: (step: StepName) =>
    `${step.replace(/(^|-)([a-z])/g, (_match, _hyphen, letter: string) => letter.toUpperCase())}Function`,
  table: (table: keyof typeof TABLE_VARIABLES) => `${table.charAt(0).toUpperCase()}${table.slice(1)}Table`,
  manifestBucket: 'ManifestBucket',
  accessLogsBucket: 'AccessLogsBucket',
  /** `retain` or `destroy`: what deleting the stacks does to what they hold. */
  retention: 'Retention',
  operatorPolicy: 'OperatorPolicy',
  ceremonyPolicy: 'CeremonyPolicy',
  signerPolicy: 'SignerPolicy',
  /** Where `wardkey signer run` takes orders and leaves signatures. */
  signingOrders: 'SigningOrders',
  signedCertificates: 'SignedCertificates',
  signedLists: 'SignedLists',
  registrationPolicy: 'RegistrationPolicy',
  operationPolicy: 'OperationPolicy',
} as const;

/** Default names of the stacks; `-c prefix=NAME` makes a second deployment beside the first. */
export const STACKS = {
  trust: (prefix: string) => `${prefix}-trust`,
  service: (prefix: string) => `${prefix}-service`,
  /** Deleted first; refuses while devices remain. */
  guard: (prefix: string) => `${prefix}-guard`,
} as const;
