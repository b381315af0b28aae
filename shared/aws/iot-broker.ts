// Device certificates, things and policies on AWS IoT Core. Decides nothing.
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  RegisterCertificateCommand,
  RegisterCertificateWithoutCACommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCertificateCommand,
  paginateListAttachedPolicies,
  paginateListPrincipalThings,
  paginateListTargetsForPolicy,
  type IoTClient,
} from '@aws-sdk/client-iot';

import { Fault } from '../outcome.ts';
import type { Broker, BrokerCertificate, BrokerStatus } from '../ports.ts';

const STATUSES: readonly BrokerStatus[] = ['ACTIVE', 'INACTIVE', 'REVOKED', 'PENDING_ACTIVATION', 'PENDING_TRANSFER'];

export function iotBroker(client: IoTClient): Broker {
  return {
    findCertificate: (certificateId) => findCertificate(client, certificateId),
    registerCertificate: (certificatePem) =>
      thereIsFine(client.send(new RegisterCertificateWithoutCACommand({ certificatePem, status: 'INACTIVE' }))),
    registerIssued: (certificatePem) =>
      thereIsFine(client.send(new RegisterCertificateCommand({ certificatePem, status: 'INACTIVE' }))),
    async setStatus(certificateId, newStatus) {
      await client.send(new UpdateCertificateCommand({ certificateId, newStatus }));
    },
    async createThing(thingName) {
      await client.send(new CreateThingCommand({ thingName }));
    },
    async attachThing(thingName, principal) {
      await client.send(
        new AttachThingPrincipalCommand({ thingName, principal, thingPrincipalType: 'EXCLUSIVE_THING' }),
      );
    },
    async attachPolicy(policyName, target) {
      await client.send(new AttachPolicyCommand({ policyName, target }));
    },
    listThings: (principal) =>
      collect(paginateListPrincipalThings({ client }, { principal }), ({ things }) => things ?? []),
    listPolicies: (target) =>
      collect(paginateListAttachedPolicies({ client }, { target }), ({ policies }) =>
        (policies ?? []).flatMap(({ policyName }) => policyName ?? []),
      ),
    async detachThing(thingName, principal) {
      await absentIsFine(client.send(new DetachThingPrincipalCommand({ thingName, principal })));
    },
    async detachPolicy(policyName, target) {
      await absentIsFine(client.send(new DetachPolicyCommand({ policyName, target })));
    },
    async deleteCertificate(certificateId) {
      await absentIsFine(client.send(new DeleteCertificateCommand({ certificateId })));
    },
    async deleteThing(thingName) {
      await absentIsFine(client.send(new DeleteThingCommand({ thingName })));
    },
    listPolicyTargets: async (policyName) =>
      (await absentIsFine(
        collect(paginateListTargetsForPolicy({ client }, { policyName }), ({ targets }) => targets ?? []),
      )) ?? [],
  };
}

async function findCertificate(client: IoTClient, certificateId: string): Promise<BrokerCertificate | undefined> {
  const answer = await absentIsFine(client.send(new DescribeCertificateCommand({ certificateId })));
  if (answer === undefined) return undefined;
  const { certificateArn: arn, certificatePem: pem, status } = answer.certificateDescription ?? {};
  const known = STATUSES.find((name) => name === status);
  if (arn === undefined || pem === undefined || known === undefined) {
    throw new Fault('answer-malformed', `certificate "${certificateId}": expected an ARN, a PEM and a known status`);
  }
  return { certificateId, arn, status: known, pem };
}

async function thereIsFine(registered: Promise<unknown>): Promise<void> {
  try {
    await registered;
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  }
}

async function collect<P, T>(pages: AsyncIterable<P>, items: (page: P) => readonly T[]): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...items(page));
  return all;
}

async function absentIsFine<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
