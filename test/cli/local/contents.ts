// What must a cloud still have after a kill? One of each kind that commands leave in it.
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  AttachPolicyCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
} from '@aws-sdk/client-iot';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

import type { LocalCloud } from '../../../cli/local/cloud.ts';

export interface Contents {
  readonly item: string | undefined;
  readonly object: string | undefined;
  readonly certificateId: string | undefined;
  readonly policies: readonly (string | undefined)[];
  readonly queue: string | undefined;
}

interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly iot: IoTClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
}

export function clientsOf({ endpoint, region, credentials }: LocalCloud): Clients {
  const where = { endpoint, region, credentials: { ...credentials } }; // the SDK writes into it
  return {
    dynamodb: new DynamoDBClient(where),
    iot: new IoTClient(where),
    s3: new S3Client({ ...where, forcePathStyle: true }),
    sqs: new SQSClient(where),
  };
}

export async function fill(cloud: LocalCloud): Promise<Contents> {
  const { dynamodb, iot, s3, sqs } = clientsOf(cloud);
  await dynamodb.send(
    new CreateTableCommand({
      TableName: 'devices',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  await dynamodb.send(
    new PutItemCommand({ TableName: 'devices', Item: { id: { S: 'pump' }, owner: { S: 'ward 3' } } }),
  );
  await s3.send(new CreateBucketCommand({ Bucket: 'lists' }));
  await s3.send(new PutObjectCommand({ Bucket: 'lists', Key: 'a/b.txt', Body: 'listed' }));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'notices' }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  const { certificateId, certificateArn } = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
  const policyDocument = '{"Version":"2012-10-17","Statement":[]}';
  await iot.send(new CreatePolicyCommand({ policyName: 'device', policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName: 'device', target: certificateArn }));
  return { item: 'ward 3', object: 'listed', certificateId, policies: ['device'], queue: QueueUrl };
}

export async function readBack(cloud: LocalCloud): Promise<Contents> {
  const { dynamodb, iot, s3, sqs } = clientsOf(cloud);
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: 'devices', Key: { id: { S: 'pump' } } }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'lists', Key: 'a/b.txt' }));
  const [certificate] = (await iot.send(new ListCertificatesCommand())).certificates ?? [];
  const attached = await iot.send(new ListAttachedPoliciesCommand({ target: certificate?.certificateArn }));
  return {
    item: Item?.['owner']?.S,
    object: await Body?.transformToString(),
    certificateId: certificate?.certificateId,
    policies: attached.policies?.map(({ policyName }) => policyName) ?? [],
    queue: (await sqs.send(new GetQueueUrlCommand({ QueueName: 'notices' }))).QueueUrl,
  };
}
