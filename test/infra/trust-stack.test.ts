// Is what must never be lost kept, encrypted and recoverable?
import { expect, test } from 'vitest';

import { OUTPUTS, TABLE_VARIABLES } from '../../shared/env.ts';
import { ACCOUNT, flat, list, ofType, type Resource, resources, statements, synthesise, template } from './synth.ts';

const { trustResources: kept, serviceResources: service, trust } = synthesise();
const { trustResources: destroyed, trust: destroyedTrust } = synthesise({ retention: 'destroy' });

const TABLE = 'AWS::DynamoDB::GlobalTable';
const tables = ofType(kept, TABLE);
const replica = ({ Properties }: Resource) => (Properties['Replicas'] as Record<string, unknown>[])[0] ?? {};

test('there are four tables, each on demand, with the same key attributes', () => {
  expect(tables).toHaveLength(4);
  for (const [, { Properties }] of tables) {
    expect(Properties['BillingMode']).toBe('PAY_PER_REQUEST');
    expect(Properties['KeySchema']).toEqual([
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ]);
  }
});

test.each(tables)('T147 table %s is encrypted with the records key and can be restored to any second', (_id, table) => {
  expect(table.Properties['SSESpecification']).toEqual({ SSEEnabled: true, SSEType: 'KMS' });
  expect(flat((replica(table)['SSESpecification'] as Record<string, unknown>)['KMSMasterKeyId'])).toMatch(
    /^<RecordsKey/,
  );
  expect(replica(table)['PointInTimeRecoverySpecification']).toEqual({ PointInTimeRecoveryEnabled: true });
});

test('T147 in production tables, keys and buckets outlive their stack, and the stack does not go by accident', () => {
  for (const [, table] of tables) expect(replica(table)['DeletionProtectionEnabled']).toBe(true);
  for (const type of [TABLE, 'AWS::KMS::Key', 'AWS::S3::Bucket']) {
    for (const [, { DeletionPolicy }] of ofType(kept, type)) expect(DeletionPolicy).toBe('Retain');
  }
  expect(trust.terminationProtection).toBe(true);
});

test('with retention=destroy nothing is protected from deletion', () => {
  for (const [, table] of ofType(destroyed, TABLE)) expect(replica(table)['DeletionProtectionEnabled']).toBe(false);
  for (const type of [TABLE, 'AWS::KMS::Key', 'AWS::S3::Bucket']) {
    for (const [, { DeletionPolicy }] of ofType(destroyed, type)) expect(DeletionPolicy).toBe('Delete');
  }
  expect(destroyedTrust.terminationProtection).toBe(false);
});

test('the pending index holds keys only and belongs to the devices alone', () => {
  const indexed = tables.filter(([, { Properties }]) => Properties['GlobalSecondaryIndexes'] !== undefined);
  expect(indexed.map(([id]) => id)).toEqual([expect.stringMatching(/^Devices/)]);
  expect(indexed[0]?.[1].Properties['GlobalSecondaryIndexes']).toEqual([
    {
      IndexName: 'pending',
      KeySchema: [
        { AttributeName: 'pendingShard', KeyType: 'HASH' },
        { AttributeName: 'brokerPending', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ]);
});

test('manifests are versioned, encrypted with the records key, closed to the public, and announced', () => {
  const [, bucket] = ofType(kept, 'AWS::S3::Bucket').find(([id]) => id.startsWith('Manifests')) ?? [];
  expect(bucket?.Properties).toMatchObject({
    VersioningConfiguration: { Status: 'Enabled' },
    NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
  });
  expect(JSON.stringify(bucket?.Properties['BucketEncryption'])).toMatch(/"aws:kms".*RecordsKey|RecordsKey.*"aws:kms"/);
});

test('chunks end after 30 days, later than any message that asks for them; manifests and reports stay', () => {
  const [, bucket] = ofType(kept, 'AWS::S3::Bucket').find(([id]) => id.startsWith('Manifests')) ?? [];
  const { Rules } = bucket?.Properties['LifecycleConfiguration'] as { Rules: unknown[] };
  expect(Rules).toEqual([
    {
      Status: 'Enabled',
      Prefix: 'imports/',
      ExpirationInDays: 30,
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    },
  ]);
  const queues = ofType(service, 'AWS::SQS::Queue').filter(([id]) => id.startsWith('WhitelistChunks'));
  const days = queues.map(([, { Properties }]) => Number(Properties['MessageRetentionPeriod']) / 86_400);
  expect(queues).toHaveLength(2); // the queue and its dead letters
  expect(days.reduce((sum, one) => sum + one, 0)).toBeLessThan(30);
});

test('every bucket refuses requests without TLS', () => {
  const policies = ofType(kept, 'AWS::S3::BucketPolicy').map(([, { Properties }]) =>
    statements(Properties['PolicyDocument']),
  );
  expect(policies).toHaveLength(ofType(kept, 'AWS::S3::Bucket').length);
  for (const policy of policies) {
    expect(
      policy.some(
        ({ Effect, Condition }) => Effect === 'Deny' && Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
      ),
    ).toBe(true);
  }
});

test('keys rotate each year', () => {
  const keys = ofType(kept, 'AWS::KMS::Key');
  expect(keys).toHaveLength(2);
  for (const [, { Properties }] of keys) expect(Properties['EnableKeyRotation']).toBe(true);
});

test('no service may use the records key, and three may use the messages key, for this deployment only', () => {
  const uses = ofType(kept, 'AWS::KMS::Key').flatMap(([id, { Properties }]) =>
    statements(Properties['KeyPolicy'])
      .filter(({ Principal }) => Principal?.Service !== undefined)
      .map(({ Principal, Condition = {}, Action }) => ({ id, name: Principal?.Service, Condition, Action })),
  );
  expect(uses.every(({ id }) => id.startsWith('MessagesKey'))).toBe(true);
  expect(uses.flatMap(({ Action }) => list(Action)).filter((action) => action.includes('*'))).toEqual([]);
  const arn = (rest: string) => expect.stringMatching(new RegExp(`^arn:aws:${rest}:wardkey-\\*$`)) as string;
  expect(Object.fromEntries(uses.map(({ name, Condition }) => [name, Condition]))).toEqual({
    'events.amazonaws.com': {}, // names no source to KMS; the policies of the queues name the rules
    'cloudwatch.amazonaws.com': {
      StringEquals: { 'aws:SourceAccount': ACCOUNT },
      ArnLike: { 'aws:SourceArn': arn(`cloudwatch:eu-central-1:${ACCOUNT}:alarm`) },
    },
    'logs.eu-central-1.amazonaws.com': {
      ArnLike: { 'kms:EncryptionContext:aws:logs:arn': arn(`logs:eu-central-1:${ACCOUNT}:log-group`) },
    },
  });
});

test('no Lambda function stands in the trust stack, and no storage in the service stack', () => {
  expect(ofType(kept, 'AWS::Lambda::Function')).toEqual([]);
  for (const type of [TABLE, 'AWS::KMS::Key', 'AWS::S3::Bucket']) expect(ofType(service, type)).toEqual([]);
});

test('the trust stack cannot be deleted while the service stack stands on it', () => {
  const { service: stack } = synthesise();
  const text = JSON.stringify(resources(stack));
  expect(text).toContain('"Fn::ImportValue":"wardkey-trust:');
  expect(text).not.toContain('GetStackOutput'); // a weak reference: it would not hold the trust stack back
});

test('the CLI finds every table, both buckets and the retention by the names of outputs', () => {
  const { Outputs = {} } = template(trust);
  for (const table of Object.keys(TABLE_VARIABLES) as (keyof typeof TABLE_VARIABLES)[])
    expect(flat(Outputs[OUTPUTS.table(table)]?.Value).toLowerCase()).toMatch(new RegExp(`^<${table}`));
  for (const name of [OUTPUTS.manifestBucket, OUTPUTS.accessLogsBucket])
    expect(kept[flat(Outputs[name]?.Value).slice(1, -1)]?.Type).toBe('AWS::S3::Bucket');
  expect(Outputs[OUTPUTS.retention]?.Value).toBe('retain');
  expect(template(destroyedTrust).Outputs?.[OUTPUTS.retention]?.Value).toBe('destroy');
});

test('no two stacks have an output of the same name: the CLI reads them together', () => {
  const { trust: one, service: other } = synthesise();
  const names = [one, other].flatMap((stack) => Object.keys(template(stack).Outputs ?? {}));
  expect(new Set(names).size).toBe(names.length);
});
