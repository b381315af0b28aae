// Certificate authorities on AWS IoT Core. Decides nothing.
import {
  DeleteCACertificateCommand,
  DescribeCACertificateCommand,
  RegisterCACertificateCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCACertificateCommand,
  paginateListCertificatesByCA,
  type IoTClient,
} from '@aws-sdk/client-iot';

import { Fault } from '../outcome.ts';
import type { AuthorityRegistry } from '../ports.ts';

export function iotAuthorityRegistry(client: IoTClient): AuthorityRegistry {
  return {
    register: (certificatePem) => register(client, certificatePem, 'enter'),
    registerIssuing: (certificatePem) => register(client, certificatePem, 'not-enter'),
    isRegistered: (certificateId) => isRegistered(client, certificateId),
    async stopRegistration(certificateId) {
      const input = { certificateId, newAutoRegistrationStatus: 'DISABLE', newStatus: 'INACTIVE' } as const;
      if (await isRegistered(client, certificateId)) await client.send(new UpdateCACertificateCommand(input));
    },
    async setRegistration(certificateId, may) {
      const newAutoRegistrationStatus = may === 'enter' ? 'ENABLE' : 'DISABLE';
      await absentIsFine(client.send(new UpdateCACertificateCommand({ certificateId, newAutoRegistrationStatus })));
    },
    async listCertificates(caCertificateId) {
      if (!(await isRegistered(client, caCertificateId))) return [];
      const ids: string[] = [];
      for await (const { certificates } of paginateListCertificatesByCA({ client }, { caCertificateId })) {
        ids.push(...(certificates ?? []).flatMap(({ certificateId }) => certificateId ?? []));
      }
      return ids;
    },
    async remove(certificateId) {
      if (!(await isRegistered(client, certificateId))) return;
      await client.send(new UpdateCACertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
      await client.send(new DeleteCACertificateCommand({ certificateId }));
    },
  };
}

// SNI_ONLY: no proof of possession of the CA key is asked, and other accounts of the Region may register it as well.
async function register(client: IoTClient, caCertificate: string, may: 'enter' | 'not-enter'): Promise<string> {
  try {
    const { certificateId } = await client.send(
      new RegisterCACertificateCommand({
        caCertificate,
        certificateMode: 'SNI_ONLY',
        setAsActive: true,
        allowAutoRegistration: may === 'enter',
      }),
    );
    if (certificateId === undefined) throw new Fault('answer-malformed', 'RegisterCACertificate: expected an id');
    return certificateId;
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    return bringBack(client, error.resourceId, may);
  }
}

/** Registered before, perhaps inactive or without auto-registration since. */
async function bringBack(
  client: IoTClient,
  certificateId: string | undefined,
  may: 'enter' | 'not-enter',
): Promise<string> {
  if (certificateId === undefined)
    throw new Fault('answer-malformed', 'RegisterCACertificate: expected the id of the CA');
  const newAutoRegistrationStatus = may === 'enter' ? 'ENABLE' : 'DISABLE';
  const input = { certificateId, newStatus: 'ACTIVE', newAutoRegistrationStatus } as const;
  await client.send(new UpdateCACertificateCommand(input));
  return certificateId;
}

async function isRegistered(client: IoTClient, certificateId: string): Promise<boolean> {
  return (await absentIsFine(client.send(new DescribeCACertificateCommand({ certificateId })))) !== undefined;
}

async function absentIsFine<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
