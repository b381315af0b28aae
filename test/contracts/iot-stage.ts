// What stands on the local cloud's AWS IoT Core for the contract tests, and how is it removed again?
import {
  CreatePolicyCommand,
  DeletePolicyCommand,
  DescribeCACertificateCommand,
  IoTClient,
  RegisterCertificateCommand,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot';

import { iotAuthorityRegistry } from '../../shared/aws/iot-authority-registry.ts';
import { iotBroker } from '../../shared/aws/iot-broker.ts';
import type { AuthorityRegistry, Broker } from '../../shared/ports.ts';
import { makeAuthority, makeDevice } from '../pki/certificates.ts';
import { Cleanup, clientSettings, localAws, randomName } from './local-aws.ts';

export class IotStage {
  readonly #client: IoTClient;
  /** Before the rest: a thing or a policy that is attached cannot be deleted. */
  readonly #certificates = new Cleanup();
  readonly #cleanup = new Cleanup();
  readonly broker: Broker;
  readonly authorities: AuthorityRegistry;

  private constructor(client: IoTClient) {
    this.#client = client;
    this.broker = iotBroker(client);
    this.authorities = iotAuthorityRegistry(client);
  }

  static async open(): Promise<IotStage> {
    return new IotStage(new IoTClient(clientSettings(await localAws())));
  }

  async close(): Promise<void> {
    await this.#certificates.run();
    await this.#cleanup.run();
  }

  async createPolicy(): Promise<string> {
    const policyName = randomName();
    const Statement = [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }];
    const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await this.#client.send(new CreatePolicyCommand({ policyName, policyDocument }));
    this.#cleanup.later(() => this.#client.send(new DeletePolicyCommand({ policyName })));
    return policyName;
  }

  thingName(): string {
    const name = randomName();
    this.#cleanup.later(() => this.broker.deleteThing(name));
    return name;
  }

  async register(status: 'ACTIVE' | 'INACTIVE'): Promise<string> {
    const { pem } = await makeDevice(await makeAuthority(), randomName(), { key: 'any device' });
    const input = { certificatePem: pem, status };
    const { certificateId = '' } = await this.#client.send(new RegisterCertificateWithoutCACommand(input));
    this.#removeLater(certificateId);
    return certificateId;
  }

  /** Not registered yet; removed at the end if it was. */
  async unknown(): Promise<{ readonly certificateId: string; readonly pem: string }> {
    const { pem, certificate } = await makeDevice(await makeAuthority(), randomName(), { key: 'any device' });
    this.#removeLater(certificate.fingerprint);
    return { certificateId: certificate.fingerprint, pem };
  }

  /** Under an issuing CA that is registered; not registered itself. */
  async issued(): Promise<{ readonly certificateId: string; readonly pem: string }> {
    const authority = await makeAuthority(randomName());
    this.removeAuthorityLater(await this.authorities.registerIssuing(authority.pem));
    const { pem, certificate } = await makeDevice(authority, randomName(), { key: 'any device' });
    this.#removeLater(certificate.fingerprint);
    return { certificateId: certificate.fingerprint, pem };
  }

  /** Under a registered CA, as if the device had connected. */
  async enter(certificatePem: string, caCertificatePem: string): Promise<string> {
    const input = { certificatePem, caCertificatePem, status: 'INACTIVE' as const };
    const { certificateId = '' } = await this.#client.send(new RegisterCertificateCommand(input));
    this.#removeLater(certificateId);
    return certificateId;
  }

  removeAuthorityLater(caCertificateId: string): void {
    this.#cleanup.later(() => this.authorities.remove(caCertificateId));
  }

  async isOpen(certificateId: string): Promise<boolean> {
    const { certificateDescription } = await this.#client.send(new DescribeCACertificateCommand({ certificateId }));
    return certificateDescription?.status === 'ACTIVE' && certificateDescription.autoRegistrationStatus === 'ENABLE';
  }

  #removeLater(certificateId: string): void {
    this.#certificates.later(async () => {
      const known = await this.broker.findCertificate(certificateId);
      if (known === undefined) return;
      for (const thing of await this.broker.listThings(known.arn)) await this.broker.detachThing(thing, known.arn);
      for (const policy of await this.broker.listPolicies(known.arn)) await this.broker.detachPolicy(policy, known.arn);
      await this.broker.setStatus(certificateId, 'INACTIVE');
      await this.broker.deleteCertificate(certificateId);
    });
  }
}
