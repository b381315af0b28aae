// What does AWS IoT Core still hold of this deployment? Asked of the broker itself, so that a broken-off teardown
// goes on where it stopped.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IoTClient } from '@aws-sdk/client-iot';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';

import { dynamodbRegistry } from '../../shared/aws/dynamodb-registry.ts';
import { iotAuthorityRegistry } from '../../shared/aws/iot-authority-registry.ts';
import { iotBroker } from '../../shared/aws/iot-broker.ts';
import { OUTPUTS } from '../../shared/env.ts';
import { AUTHORITIES } from '../../shared/identity/anchor.ts';
import { ISSUING, parseIssuing } from '../../shared/issuance/authority.ts';
import type { AuthorityRegistry, Broker } from '../../shared/ports.ts';
import type { Deployment } from '../deployment.ts';

export interface Remains {
  readonly broker: Broker;
  readonly authorityRegistry: AuthorityRegistry;
  /** Ids of the CAs that are still registered. */
  readonly authorities: readonly string[];
  /** Ids of the device certificates that entered under them or hold one of our policies. */
  readonly certificates: readonly string[];
}

export async function findRemains(deployment: Deployment): Promise<Remains> {
  const { config } = deployment.place;
  const client = new IoTClient(config);
  const broker = iotBroker(client);
  const authorityRegistry = iotAuthorityRegistry(client);
  const authorities = await findAuthorities(deployment, authorityRegistry);
  const certificates = new Set<string>();
  for (const id of authorities)
    for (const found of await authorityRegistry.listCertificates(id)) certificates.add(found);
  for (const name of [OUTPUTS.registrationPolicy, OUTPUTS.operationPolicy]) {
    for (const arn of await broker.listPolicyTargets(deployment.output(name))) certificates.add(certificateIdOf(arn));
  }
  for (const id of await findRegistered(deployment)) {
    if ((await broker.findCertificate(id)) !== undefined) certificates.add(id);
  }
  return { broker, authorityRegistry, authorities, certificates: [...certificates] };
}

/** Certificates that were registered without a CA hang on nothing that the broker lists; our own rows name them. */
async function findRegistered(deployment: Deployment): Promise<readonly string[]> {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(deployment.place.config));
  const scan = {
    TableName: deployment.output(OUTPUTS.table('devices')),
    FilterExpression: 'begins_with(pk, :certificate) AND sk = :row',
    ExpressionAttributeValues: { ':certificate': CERTIFICATE_ROWS, ':row': 'row' },
  };
  const ids: string[] = [];
  for await (const { Items } of paginateScan({ client: documents }, scan)) {
    ids.push(...(Items ?? []).map(({ pk }) => String(pk).slice(CERTIFICATE_ROWS.length)));
  }
  return ids;
}

const CERTIFICATE_ROWS = 'certificate#';

async function findAuthorities(deployment: Deployment, registry: AuthorityRegistry): Promise<readonly string[]> {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(deployment.place.config));
  const rows = dynamodbRegistry(documents, { owners: deployment.output(OUTPUTS.table('owners')) });
  const makers = (await rows.list(AUTHORITIES.table, AUTHORITIES.pk, '')).map(({ sk }) => sk);
  const owners = (await rows.list(ISSUING.table, ISSUING.pk, '')).map((row) => parseIssuing(row).caCertificateId);
  const known = [...makers, ...owners];
  const registered = await Promise.all(known.map((id) => registry.isRegistered(id)));
  return known.filter((_id, index) => registered[index]);
}

/** `arn:aws:iot:<region>:<account>:cert/<id>` */
function certificateIdOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
