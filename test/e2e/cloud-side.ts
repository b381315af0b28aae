// What does the cloud itself show? Asked of each service, not of Wardkey.
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { IAMClient, ListPoliciesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import {
  IoTClient,
  ListCACertificatesCommand,
  ListCertificatesCommand,
  ListPoliciesCommand as ListIotPoliciesCommand,
  ListThingsCommand,
  ListTopicRulesCommand,
} from '@aws-sdk/client-iot';
import { LambdaClient, ListEventSourceMappingsCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';

import type { LocalCloud } from '../../cli/local/cloud.ts';
import type { ClientConfig } from '../../cli/place.ts';
import { iotBroker } from '../../shared/aws/iot-broker.ts';
import type { Stage } from './stage.ts';

/** A certificate and what is attached to it. */
export async function brokerSide({ deployment }: Stage, certificateId: string) {
  const broker = iotBroker(new IoTClient(deployment.place.config));
  const certificate = await broker.findCertificate(certificateId);
  const arn = certificate?.arn ?? '';
  return { certificate, things: await broker.listThings(arn), policies: await broker.listPolicies(arn) };
}

/** Ids of every certificate of the account. */
export async function listCertificates({ deployment }: Stage): Promise<readonly string[]> {
  const client = new IoTClient(deployment.place.config);
  const { certificates = [] } = await client.send(new ListCertificatesCommand({}));
  return certificates.map(({ certificateId }) => certificateId ?? '');
}

/** Everything that is still there but CDK's own bootstrap stack; users that tests made are not of the deployment. */
export async function listRemains(cloud: LocalCloud, prefix: string): Promise<readonly string[]> {
  const config = { region: cloud.region, endpoint: cloud.endpoint, credentials: { ...cloud.credentials } };
  const found = [
    ...(await ofIot(new IoTClient(config))),
    ...(await ofServerless(config)),
    ...(await ofIam(new IAMClient(config), prefix)),
  ];
  const stacks = (await new CloudFormationClient(config).send(new ListStacksCommand({}))).StackSummaries ?? [];
  const standing = stacks
    .filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE')
    .map(({ StackName }) => StackName);
  return [...found, ...standing.filter((name) => name !== 'CDKToolkit').map((name) => `stack ${name ?? ''}`)];
}

async function ofIot(client: IoTClient): Promise<string[]> {
  const { certificates = [] } = await client.send(new ListCertificatesCommand({}));
  const { certificates: authorities = [] } = await client.send(new ListCACertificatesCommand({}));
  const { things = [] } = await client.send(new ListThingsCommand({}));
  const { policies = [] } = await client.send(new ListIotPoliciesCommand({}));
  const { rules = [] } = await client.send(new ListTopicRulesCommand({}));
  return [
    ...certificates.map(({ certificateId }) => `certificate ${certificateId ?? ''}`),
    ...authorities.map(({ certificateId }) => `authority ${certificateId ?? ''}`),
    ...things.map(({ thingName }) => `thing ${thingName ?? ''}`),
    ...policies.map(({ policyName }) => `IoT policy ${policyName ?? ''}`),
    ...rules.map(({ ruleName }) => `rule ${ruleName ?? ''}`),
  ];
}

async function ofServerless(config: ClientConfig): Promise<string[]> {
  const lambda = new LambdaClient(config);
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}));
  const { TableNames = [] } = await new DynamoDBClient(config).send(new ListTablesCommand({}));
  const { QueueUrls = [] } = await new SQSClient(config).send(new ListQueuesCommand({}));
  const { Buckets = [] } = await new S3Client({ ...config, forcePathStyle: true }).send(new ListBucketsCommand({}));
  const buckets = Buckets.map(({ Name }) => Name ?? '').filter((name) => !name.startsWith('cdk-'));
  return [
    ...Functions.map(({ FunctionName }) => `function ${FunctionName ?? ''}`),
    ...EventSourceMappings.map(({ UUID }) => `event source mapping ${UUID ?? ''}`),
    ...TableNames.map((name) => `table ${name}`),
    ...QueueUrls.map((url) => `queue ${url}`),
    ...buckets.map((name) => `bucket ${name}`),
  ];
}

async function ofIam(client: IAMClient, prefix: string): Promise<string[]> {
  const { Roles = [] } = await client.send(new ListRolesCommand({}));
  const { Policies = [] } = await client.send(new ListPoliciesCommand({ Scope: 'Local' }));
  const named = [...Roles.map(({ RoleName }) => RoleName ?? ''), ...Policies.map(({ PolicyName }) => PolicyName ?? '')];
  return named.filter((name) => name.startsWith(prefix)).map((name) => `IAM ${name}`);
}
