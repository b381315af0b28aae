// Where do manufacturers' manifests arrive? In a versioned bucket: what was checked and what is used are the same bytes.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

import { acceptPlainHttp, refusesPlainHttp } from './local.ts';
import { accept, inBothPacks } from './nag.ts';
import type { Parameters } from './parameters.ts';

/** Manifests and their signatures, one folder per manufacturer. */
export const MANIFESTS = 'manifests/*';
/** The report of an import, beside its manifest. */
export const REPORTS = 'manifests/*.report';
/** Chunks on their way from the check to the listing; read and written by functions only. */
export const CHUNKS = 'imports/*';
/** Revocation lists of owners' issuing CAs, for whoever publishes them to those who check certificates. */
export const LISTS = 'revocation-lists/*';

export function createManifestBucket(scope: Construct, key: Key, parameters: Parameters) {
  const accessLogs = createAccessLogs(scope, parameters);
  const manifests = new Bucket(scope, 'Manifests', {
    ...common(parameters),
    encryption: BucketEncryption.KMS,
    encryptionKey: key,
    bucketKeyEnabled: true,
    serverAccessLogsBucket: accessLogs as IBucket,
    serverAccessLogsPrefix: 'manifests/',
    // Chunks are of no use once they are listed; manifests and reports stay.
    lifecycleRules: [
      { prefix: 'imports/', expiration: Duration.days(30), noncurrentVersionExpiration: Duration.days(1) },
    ],
  });
  // Set on the L1: the L2's way is a custom resource with a Lambda of its own that may change any bucket's settings.
  (manifests.node.defaultChild as CfnBucket).notificationConfiguration = {
    eventBridgeConfiguration: { eventBridgeEnabled: true },
  };
  acceptPlainHttp(manifests, parameters.stage);
  accept(manifests, ONE_REGION, inBothPacks('S3BucketReplicationEnabled'));
  return { manifests, accessLogs };
}

function createAccessLogs(scope: Construct, parameters: Parameters): Bucket {
  const logs = new Bucket(scope, 'AccessLogs', {
    ...common(parameters),
    encryption: BucketEncryption.S3_MANAGED,
    lifecycleRules: [
      {
        expiration: Duration.days(parameters.logRetentionDays),
        noncurrentVersionExpiration: Duration.days(1),
      },
    ],
  });
  acceptPlainHttp(logs, parameters.stage);
  accept(logs, 'S3 delivers access logs only to buckets under SSE-S3; a KMS key here would stop the delivery.', [
    ...inBothPacks('S3DefaultEncryptionKMS'),
  ]);
  accept(logs, 'This bucket is the place of the access logs; logging its own accesses would never end.', [
    'AwsSolutions-S1',
    ...inBothPacks('S3BucketLoggingEnabled'),
  ]);
  accept(logs, 'Access logs are kept for a set time in one Region, like all logs of this deployment.', [
    ...inBothPacks('S3BucketReplicationEnabled'),
  ]);
  return logs;
}

function common({ retention, stage }: Parameters) {
  return {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    ...(refusesPlainHttp(stage) ? { enforceSSL: true, minimumTLSVersion: 1.2 } : {}),
    versioned: true,
    removalPolicy: retention === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  };
}

const ONE_REGION =
  'A deployment lives in one Region, so that its records stay under the law of one place. A lost manifest is delivered ' +
  'again by its manufacturer and meets the recorded digest; the listings made from it are in a table with point-in-time recovery.';
