// Why does a key store of AWS KMS not connect to its cluster, and what is there to do? KMS says it in a code.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CustomKeyStoresListEntry.html

export interface ConnectionFailure {
  readonly happened: string;
  readonly toDo: string;
  /** KMS must be told the password of `kmsuser` anew before it can connect. */
  readonly needsPassword: boolean;
}

/** A code that is not documented for a key store on CloudHSM is named and no more. */
export function explainFailure(code: string | undefined): ConnectionFailure {
  const known = code === undefined ? undefined : FAILURES.get(code);
  if (known !== undefined) return known;
  const happened = `KMS could not connect and says ${code === undefined ? 'no reason' : `"${code}"`}`;
  return { happened, toDo: 'look the code up in the documentation of AWS KMS', needsPassword: false };
}

const PASSWORD =
  'set a new password for kmsuser in the cluster, and run `wardkey hsm connect-key-store` with it and --password-changed';

const FAILURES: ReadonlyMap<string, ConnectionFailure> = new Map(
  Object.entries({
    CLUSTER_NOT_FOUND: {
      happened: 'KMS does not find the cluster',
      toDo: 'was it deleted? Restore it from a backup, and name the new cluster to KMS (UpdateCustomKeyStore)',
      needsPassword: false,
    },
    INSUFFICIENT_CLOUDHSM_HSMS: {
      happened: 'the cluster has no active HSM',
      toDo: 'add one in each of two Availability Zones, and connect again',
      needsPassword: false,
    },
    INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET: {
      happened: 'a subnet of the cluster has no free address',
      toDo: 'free two addresses in each of its subnets, and connect again',
      needsPassword: false,
    },
    INTERNAL_ERROR: {
      happened: 'AWS KMS failed by itself',
      toDo: 'disconnect and connect again, as `wardkey hsm connect-key-store` does',
      needsPassword: false,
    },
    INVALID_CREDENTIALS: {
      happened: 'the password that KMS has is not the one of kmsuser',
      toDo: PASSWORD,
      needsPassword: true,
    },
    NETWORK_ERRORS: {
      happened: 'the network does not let KMS reach the cluster',
      toDo: 'look at the security group of the cluster: TCP 2223 to 2225 within the group, in and out; then connect again',
      needsPassword: false,
    },
    SUBNET_NOT_FOUND: {
      happened: 'a subnet of the cluster was deleted',
      toDo: 'make a new cluster from a recent backup, and name it to KMS (UpdateCustomKeyStore)',
      needsPassword: false,
    },
    USER_LOCKED_OUT: {
      happened: 'kmsuser is locked out after too many wrong passwords',
      toDo: PASSWORD,
      needsPassword: true,
    },
    USER_LOGGED_IN: {
      happened: 'somebody is logged in as kmsuser, and KMS cannot change its password',
      toDo: `log kmsuser out. KMS alone may know its password: ${PASSWORD}`,
      needsPassword: true,
    },
    USER_NOT_FOUND: {
      happened: 'the cluster has no crypto user named kmsuser',
      toDo: 'create it in the cluster, and run `wardkey hsm connect-key-store` with its password and --password-changed',
      needsPassword: true,
    },
  }),
);
