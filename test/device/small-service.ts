// What stands behind the broker in the tests? The certificate service in small: it issues, and ends what was replaced.
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';

import type { Message } from '../../device/connect.ts';
import { certificateTopic } from '../../device/answer.ts';
import { craftAuthority, craftDevice, type Crafted, type CraftWishes } from '../pki/crafted.ts';
import type { Behaviour, Client } from './small-broker.ts';

export const OWNER = house('Ward');

export interface House {
  readonly root: Crafted;
  readonly issuing: Crafted;
}

/** An owner's root and issuing CA. */
export function house(name: string): House {
  const root = craftAuthority({ name: `${name} Root` });
  return { root, issuing: craftAuthority({ name: `${name} Issuing`, issuer: root, pathLength: 0 }) };
}

export interface Issuing {
  readonly house?: House;
  readonly wishes?: Partial<CraftWishes>;
  readonly renewFrom?: string;
}

export function issue(id: string, csr: Buffer, { house: by = OWNER, wishes, renewFrom }: Issuing = {}) {
  const spki = Buffer.from(new Pkcs10CertificateRequest(csr).publicKey.rawData);
  const made = craftDevice({ name: id, spki, issuer: by.issuing, ...LIFE, ...wishes });
  const certificate = made.der.toString('base64url');
  const chain = [by.issuing, by.root].map(({ der }) => der.toString('base64url'));
  const body = { kind: 'issued' as const, certificate, chain, renewFrom: renewFrom ?? '2027-01-23T00:00:00.000Z' };
  return { body, certificateId: made.certificate.fingerprint };
}

export const LIFE = { notBefore: '2026-11-24T00:00:00Z', notAfter: '2027-02-22T00:00:00Z' };

export class SmallService implements Behaviour {
  /** Certificates that the broker lets in. */
  readonly known: Set<string>;
  readonly confirmed: string[] = [];
  /** Each request as it came. */
  readonly requests: { readonly requestId: string; readonly csr: string; readonly over: string | undefined }[] = [];
  /** How often the broker closes a certificate that was issued just now. */
  slowness = 0;
  /** Whether the next answer gets lost; asked once for each. */
  loses: (answer: 'issued' | 'confirmed' | 'rejected') => boolean = () => false;
  rejects: (requestId: string) => boolean = () => false;
  issuing: Issuing = {};
  readonly #issued = new Map<string, { csr: string; body: object; certificateId: string }>();
  #serial = 1;

  constructor(factory: string) {
    this.known = new Set([factory]);
  }

  connect({ certificateId = '' }: Client): 'accept' | 'close' {
    if (!this.known.has(certificateId)) return 'close';
    const fresh = [...this.#issued.values()].some((one) => one.certificateId === certificateId);
    if (fresh && !this.confirmed.includes(certificateId) && this.slowness > 0) {
      this.slowness -= 1;
      return 'close';
    }
    return 'accept';
  }

  heard(client: Client, { topic, payload }: Message): void {
    const said = JSON.parse(payload.toString('utf8')) as Record<string, string>;
    if (topic === certificateTopic(client.id, 'request')) this.#answerRequest(client, said);
    if (topic === certificateTopic(client.id, 'confirm')) this.#answerConfirmation(client, said);
  }

  #answerRequest(client: Client, { requestId = '', csr = '' }: Record<string, string>): void {
    this.requests.push({ requestId, csr, over: client.certificateId });
    const known = this.#issued.get(requestId);
    if (this.rejects(requestId) || (known !== undefined && known.csr !== csr)) {
      if (!this.loses('rejected')) client.say(certificateTopic(client.id, 'rejected'), { requestId, error: 'refused' });
      return;
    }
    const { body, certificateId } = known ?? this.#issue(client.id, requestId, csr);
    this.known.add(certificateId);
    if (!this.loses('issued')) client.say(certificateTopic(client.id, 'accepted'), { ...body, requestId });
  }

  #issue(id: string, requestId: string, csr: string) {
    const serial = `01${String((this.#serial += 1)).padStart(30, '0')}`;
    const wishes = { serial, ...this.issuing.wishes };
    const issued = { csr, ...issue(id, Buffer.from(csr, 'base64url'), { ...this.issuing, wishes }) };
    this.#issued.set(requestId, issued);
    return issued;
  }

  /** What it replaced is at an end. */
  #answerConfirmation(client: Client, { certificateId = '' }: Record<string, string>): void {
    if (client.certificateId !== certificateId) return;
    if (!this.confirmed.includes(certificateId)) this.confirmed.push(certificateId);
    this.known.clear();
    this.known.add(certificateId);
    if (!this.loses('confirmed'))
      client.say(certificateTopic(client.id, 'accepted'), { kind: 'confirmed', certificateId });
  }
}
