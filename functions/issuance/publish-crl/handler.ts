// Wiring of `publish-crl`: started by a schedule, and by the answers of signers beside an HSM.
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSEvent } from 'aws-lambda';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, isFrom, keyClient, s3Client, tableNames, variable } from '../../../shared/aws/environment.ts';
import { kmsKeyHomes } from '../../../shared/aws/kms-certificate-signer.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { s3RevocationListStore } from '../../../shared/aws/s3-revocation-list-store.ts';
import { sqsSigningQueue } from '../../../shared/aws/sqs-signing-queue.ts';
import { handleInvocation, handleQueue } from '../../handle.ts';
import { publishAnswered } from './answer.ts';
import { publishLists } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('devices', 'owners', 'ledger')),
  lists: s3RevocationListStore(s3Client(), variable('manifests')),
  keys: kmsKeyHomes(keyClient(), nodeClock),
  signing: sqsSigningQueue(new SQSClient({}), variable('signing')),
  clock: nodeClock,
  random: nodeRandomness,
};

const schedule = handleInvocation('publish-crl', (_event, { requestId }) => publishLists({ ...world, requestId }));
const answers = handleQueue('publish-crl', (body, { requestId }) => publishAnswered(body, { ...world, requestId }));

export const handler = (event: unknown, context: Context) =>
  isFrom(event, 'signedLists') ? answers(event as SQSEvent, context) : schedule(event, context);
