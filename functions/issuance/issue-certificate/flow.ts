// Step `issue-certificate`: a device asks for a certificate for a key it has just made, over the certificate it uses now; the
// owner's issuing CA signs, wherever its key lives (blueprint step 3).
import { parseDevice } from '../../../shared/device-row.ts';
import { parseCertificateRequest } from '../../../shared/issuance/certificate-request.ts';
import { decideStanding } from '../../../shared/issuance/decide.ts';
import type { DeviceMessage } from '../../../shared/issuance/device-message.ts';
import { parseWish, type Rejected } from '../../../shared/issuance/messages.ts';
import { deviceKey, type Device } from '../../../shared/lifecycle.ts';
import { done, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, KeyHomes, SigningQueue } from '../../../shared/ports.ts';
import { answerDevice, certificateTopic, type AnswerWorld } from '../../answer-device.ts';
import { findAuthority } from './authority.ts';
import { conclude } from './conclude.ts';
import { intend, type Intended } from './intend.ts';
import { orderSignature, signHere } from './sign.ts';

export interface IssueCertificateWorld extends AnswerWorld {
  readonly alignments: Pick<AlignmentQueue, 'request' | 'requestRevocation'>;
  /** Keys that this function itself can use. */
  readonly keys: KeyHomes;
  /** For keys in tokens that it cannot reach. */
  readonly signing: SigningQueue;
  /** 16 random bytes, for one certificate alone. */
  readonly newSerial: () => Uint8Array;
}

export interface Issuance {
  readonly device: string;
  /** `ordered`: a signer beside an HSM signs it; its answer comes by another queue. */
  readonly verdict: 'issued' | 'ordered';
}

/**
 * At least once, in any order: the same request is answered the same (T088). A worker may die after any step; the message
 * comes again, and so does the device, and both go on from what was stored.
 */
export function issueCertificate(body: string, world: IssueCertificateWorld): Promise<Outcome<Issuance>> {
  return answerDevice(body, world, async (message) => {
    // 1 Parse what the device says; who it is says the broker.
    const wish = parseWish(message.payload);
    if (wish.outcome === 'refused') return wish;
    const outcome = await issue(message, wish.value, world);
    if (outcome.outcome === 'refused') await reject(message.connection.device, wish.value.requestId, world);
    return outcome;
  });
}

async function issue(
  { connection }: DeviceMessage,
  { requestId, csr }: { readonly requestId: string; readonly csr: Uint8Array },
  world: IssueCertificateWorld,
): Promise<Outcome<Issuance>> {
  // 2 Read the device row; only one in good standing, over the certificate it uses now, is heard.
  const device = decideStanding(await readDevice(connection.device, world), connection);
  if (device.outcome === 'refused') return device;
  const authority = await findAuthority(device.value.owner, world);
  if (authority.outcome === 'refused') return authority;
  // 3 Verify the request: this device's name, a key of which it has the private part (T083).
  const request = parseCertificateRequest(csr, { device: connection.device });
  if (request.outcome === 'refused') return request;
  // 4 Record what will be signed, byte for byte, before anybody signs; a request that comes again finds its intent.
  const asked = { requestId, request: request.value, device: device.value, connection };
  const intent = await intend(asked, authority.value, world);
  if (intent.outcome === 'refused') return intent;
  // 5 Sign: here, or beside the HSM that holds the key. A crash here leaves the intent, and the same bytes to sign again.
  return sign(intent.value, world);
}

async function sign(intended: Intended, world: IssueCertificateWorld): Promise<Outcome<Issuance>> {
  const { intent, authority, signed } = intended;
  const device = intent.device;
  if (!signed && authority.home.kind === 'pkcs11') {
    await orderSignature(intent, authority, world);
    return done({ device, verdict: 'ordered' });
  }
  const signature = signed ? undefined : await signHere(intent, authority, world);
  // 6 Store the outcome, offer it in the device row, let the broker know it, and answer with what is stored.
  const concluded = await conclude({ intent, authority, signature }, world);
  return concluded.outcome === 'refused' ? concluded : done({ device, verdict: 'issued' });
}

async function readDevice(id: string, { registry }: IssueCertificateWorld): Promise<Device | undefined> {
  const [row] = await registry.read([deviceKey(id)]);
  return row === undefined ? undefined : parseDevice(row);
}

export async function reject(device: string, requestId: string, { topics }: IssueCertificateWorld): Promise<void> {
  const body: Rejected = { requestId, error: 'refused' };
  await topics.publish(certificateTopic(device, 'rejected'), body);
}
