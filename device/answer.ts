// What did the service say about certificates? JSON on `wardkey/<thing>/certificate/…`; whatever is not as documented is nothing.
import * as z from 'zod';

import type { CertificateAnswer } from '../shared/issuance/messages.ts';
import { parseStrictJson } from '../shared/json.ts';
import type { Message } from './connect.ts';

export type Topic = 'request' | 'confirm' | 'accepted' | 'rejected' | 'renew';

export function certificateTopic(id: string, topic: Topic): string {
  return `wardkey/${id}/certificate/${topic}`;
}

/** Undefined: nothing that a device could act on. */
export function readAnswer(id: string, { topic, payload }: Message): CertificateAnswer | undefined {
  if (payload.length > LARGEST_ANSWER) return undefined;
  const name = (['accepted', 'rejected', 'renew'] as const).find((one) => certificateTopic(id, one) === topic);
  if (name === undefined) return undefined;
  const answer = ANSWERS[name].safeParse(parseStrictJson(payload.toString('utf8')));
  return answer.success ? ({ topic: name, body: answer.data } as CertificateAnswer) : undefined;
}

const LARGEST_ANSWER = 32 * 1024;
const CERTIFICATE_ID = z.string().regex(/^[0-9a-f]{64}$/);
const DER = z.base64url().min(1);

/** Unknown members are left out and never an error: a later service may say more. */
const ISSUED = z.object({
  kind: z.literal('issued'),
  requestId: z.string(),
  certificate: DER,
  /** The issuing CA and its root, which is the last. */
  chain: z.array(DER).min(1).max(3),
  renewFrom: z.iso.datetime(),
});
const CONFIRMED = z.object({ kind: z.literal('confirmed'), certificateId: CERTIFICATE_ID });

const ANSWERS = {
  accepted: z.discriminatedUnion('kind', [ISSUED, CONFIRMED]),
  rejected: z.object({ requestId: z.string(), error: z.literal('refused') }),
  renew: z.object({ certificateId: CERTIFICATE_ID, renewFrom: z.iso.datetime() }),
};
