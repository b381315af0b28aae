// What must never be lost? Tables, manifests and the keys they are stored under. Deleting this stack keeps them all.
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, Billing, ProjectionType, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

import { OUTPUTS, PENDING_INDEX, TABLE_KEY, type TABLE_VARIABLES } from '../shared/env.ts';
import { createKeys, type KeyName } from './keys.ts';
import { createManifestBucket, CHUNKS, LISTS, MANIFESTS, REPORTS } from './manifest-bucket.ts';
import type { Parameters } from './parameters.ts';

export type TableName = keyof typeof TABLE_VARIABLES;

export interface TrustStackProps extends StackProps {
  readonly parameters: Parameters;
}

export class TrustStack extends Stack {
  readonly keys: Readonly<Record<KeyName, Key>>;
  readonly tables: Readonly<Record<TableName, TableV2>>;
  readonly manifests: Bucket;
  /** What the bucket holds, as ARNs for policies of other stacks. */
  readonly objects: Readonly<Record<'bucket' | 'manifests' | 'reports' | 'chunks' | 'lists', string>>;

  constructor(scope: Construct, id: string, props: TrustStackProps) {
    const { parameters, ...stackProps } = props;
    super(scope, id, {
      description: 'Wardkey: what must never be lost (tables, manifests, keys)',
      terminationProtection: parameters.retention === 'retain',
      ...stackProps,
    });
    this.keys = createKeys(this, parameters);
    const table = (id: string) => createTable(this, id, this.keys.records, parameters);
    this.tables = {
      whitelist: table('Whitelist'),
      devices: table('Devices'),
      owners: table('Owners'),
      ledger: table('Ledger'),
    };
    // Only rows that carry both attributes are in the index, so it is as long as the broker's backlog.
    this.tables.devices.addGlobalSecondaryIndex({
      indexName: PENDING_INDEX.name,
      partitionKey: { name: PENDING_INDEX.partitionKey, type: AttributeType.STRING },
      sortKey: { name: PENDING_INDEX.sortKey, type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    const { manifests, accessLogs } = createManifestBucket(this, this.keys.records, parameters);
    this.manifests = manifests;
    const bucket = this.exportValue(this.manifests.bucketArn);
    this.objects = {
      bucket,
      manifests: `${bucket}/${MANIFESTS}`,
      reports: `${bucket}/${REPORTS}`,
      chunks: `${bucket}/${CHUNKS}`,
      lists: `${bucket}/${LISTS}`,
    };
    this.tell(accessLogs, parameters);
  }

  // Read by the CLI: where manifests go, and what a teardown may empty.
  private tell(accessLogs: Bucket, { retention }: Parameters) {
    const outputs = {
      [OUTPUTS.manifestBucket]: this.manifests.bucketName,
      [OUTPUTS.accessLogsBucket]: accessLogs.bucketName,
      [OUTPUTS.retention]: retention,
      [OUTPUTS.table('whitelist')]: this.tables.whitelist.tableName,
      [OUTPUTS.table('devices')]: this.tables.devices.tableName,
      [OUTPUTS.table('owners')]: this.tables.owners.tableName,
      [OUTPUTS.table('ledger')]: this.tables.ledger.tableName,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

function createTable(scope: Construct, id: string, key: Key, { retention }: Parameters): TableV2 {
  const retain = retention === 'retain';
  return new TableV2(scope, id, {
    partitionKey: { name: TABLE_KEY.partitionKey, type: AttributeType.STRING },
    sortKey: { name: TABLE_KEY.sortKey, type: AttributeType.STRING },
    billing: Billing.onDemand(),
    encryption: TableEncryptionV2.customerManagedKey(key),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: retain,
    removalPolicy: retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
}
