// Do the small ports of issuance keep the same promises in memory and on the local cloud?
import {
  CreateKeyCommand,
  DisableKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll } from 'vitest';

import type { LocalCloud } from '../../cli/local/cloud.ts';
import { iotDeviceTopics } from '../../shared/aws/iot-device-topics.ts';
import { kmsKeyInspector } from '../../shared/aws/kms-key-inspector.ts';
import { s3RevocationListStore } from '../../shared/aws/s3-revocation-list-store.ts';
import { sqsSigningQueue } from '../../shared/aws/sqs-signing-queue.ts';
import type { DeviceTopics, KeyInspector, RevocationListStore, SigningQueue } from '../../shared/ports.ts';
import { MemoryDeviceTopics } from '../fakes/memory-device-topics.ts';
import { MemoryKeyInspector } from '../fakes/memory-key-inspector.ts';
import { MemoryRevocationListStore } from '../fakes/memory-revocation-list-store.ts';
import { MemorySigningQueue } from '../fakes/memory-signing-queue.ts';
import { SoftwareCertificateSigner } from '../fakes/software-certificate-signer.ts';
import { openQueue, type Arrivals } from './arrivals.ts';
import {
  deviceTopicsContract,
  keyInspectorContract,
  revocationListStoreContract,
  signingQueueContract,
} from './issuance-ports-contract.ts';
import { Cleanup, clientSettings, localAws, randomName } from './local-aws.ts';

const lists = new MemoryRevocationListStore();
revocationListStoreContract('in memory', () => lists);

const orders = new MemorySigningQueue();
signingQueueContract('in memory', {
  queue: () => orders,
  arrived: () => Promise.resolve(orders.requested.splice(0).map((order) => JSON.stringify(order))),
});

const inspector = new MemoryKeyInspector();
const POLICY = JSON.stringify({ Statement: [] });
let made = 0;
keyInspectorContract('in memory', {
  inspector: () => inspector,
  async makeKey(tags) {
    made += 1;
    const arn = `arn:aws:kms:eu-central-1:000000000000:key/${made}`;
    const publicKey = await new SoftwareCertificateSigner().publicKey();
    const kind = { spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY', status: 'Enabled' };
    inspector.seed(arn, { ...kind, tags, policy: POLICY, publicKey });
    return { arn, publicKey };
  },
  async disable(arn) {
    const key = await inspector.describe(arn);
    inspector.seed(arn, key && { ...key, status: 'Disabled' });
  },
  absent: () => 'arn:aws:kms:eu-central-1:000000000000:key/none',
});

const topics = new MemoryDeviceTopics();
deviceTopicsContract('in memory', {
  topics: () => topics,
  listen: (topic) => Promise.resolve(() => Promise.resolve(JSON.stringify(topics.on(topic)[0]))),
});

const cleanup = new Cleanup();
let cloud: LocalCloud;
let bucket: RevocationListStore;
let arrivals: Arrivals;
let queue: SigningQueue;
let kms: KMSClient;
let keys: KeyInspector;
let published: DeviceTopics;

beforeAll(async () => {
  cloud = await localAws();
  const settings = clientSettings(cloud);
  bucket = s3RevocationListStore(...(await openBucket(new S3Client({ ...settings, forcePathStyle: true }))));
  arrivals = await openQueue(cleanup);
  queue = sqsSigningQueue(arrivals.client, arrivals.queueUrl);
  kms = new KMSClient(settings);
  keys = kmsKeyInspector(kms);
  published = iotDeviceTopics(new IoTDataPlaneClient(settings));
}, 60_000);

afterAll(() => cleanup.run());

async function openBucket(client: S3Client): Promise<[S3Client, string]> {
  const Bucket = randomName();
  await client.send(new CreateBucketCommand({ Bucket }));
  cleanup.later(async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket, Key }));
    await client.send(new DeleteBucketCommand({ Bucket }));
  });
  return [client, Bucket];
}

revocationListStoreContract('Amazon S3 (local cloud)', () => bucket);

signingQueueContract('Amazon SQS (local cloud)', { queue: () => queue, arrived: () => arrivals.arrived() });

keyInspectorContract('AWS KMS (local cloud)', {
  inspector: () => keys,
  async makeKey(tags) {
    const Tags = Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
    const use = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' } as const;
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ ...use, Tags }));
    const arn = KeyMetadata?.Arn ?? '';
    cleanup.later(() => kms.send(new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: 7 })));
    const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
    return { arn, publicKey: PublicKey };
  },
  async disable(arn) {
    await kms.send(new DisableKeyCommand({ KeyId: arn }));
  },
  absent: () => 'arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-4000-8000-000000000000',
});

deviceTopicsContract('AWS IoT Core (local cloud)', {
  topics: () => published,
  async listen(topic) {
    // The local cloud lets in a client without a certificate; AWS does not.
    const where = { protocol: 'mqtts', host: cloud.mqttHost, port: cloud.mqttPort, ca: cloud.caPem } as const;
    const client = await connectAsync({ ...where, servername: 'localhost', clientId: randomName() });
    cleanup.later(() => client.endAsync());
    const heard = new Promise<string>((resolve) => {
      client.once('message', (_topic, payload) => {
        resolve(payload.toString('utf8'));
      });
    });
    await client.subscribeAsync(topic, { qos: 1 });
    return () => heard;
  },
});
