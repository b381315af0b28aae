// How does a custom resource talk with CloudFormation? It puts its answer to the address in the request.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
import * as z from 'zod';

import { done, Fault, type Outcome } from '../../../shared/outcome.ts';
import type { Refusal } from '../../../shared/reasons.ts';

const REQUEST = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
});

type ResourceRequest = z.infer<typeof REQUEST>;

export const ADVICE = 'run `npx wardkey teardown` first, then `cdk destroy` again';

/** Asks `mayDelete` for a deletion only. A fault is answered too: otherwise CloudFormation would wait for an hour. */
export async function answerResource(
  event: unknown,
  mayDelete: () => Promise<Outcome<unknown>>,
): Promise<Outcome<unknown>> {
  const request = REQUEST.safeParse(event);
  if (!request.success)
    throw new Fault('event-unknown', 'expected a request of CloudFormation', { cause: request.error });
  const decision = request.data.RequestType === 'Delete' ? mayDelete() : Promise.resolve(done('kept'));
  const outcome = await decision.catch(async (error: unknown) => {
    await answer(request.data, 'the guard could not look for devices; see its log');
    throw error;
  });
  await answer(request.data, outcome.outcome === 'refused' ? sentence(outcome.refusal) : undefined);
  return outcome;
}

function sentence(refusal: Refusal): string {
  if (refusal.reason !== 'devices-remain') return refusal.reason;
  const found = `${refusal.certificates} device certificates and ${refusal.authorities} certificate authorities`;
  return `devices remain: ${found} of this deployment are still registered with AWS IoT Core; ${ADVICE}`;
}

async function answer(
  { StackId, RequestId, LogicalResourceId, ResponseURL }: ResourceRequest,
  failure: string | undefined,
) {
  const body = {
    Status: failure === undefined ? 'SUCCESS' : 'FAILED',
    ...(failure === undefined ? {} : { Reason: failure }),
    PhysicalResourceId: 'wardkey-deletion-guard',
    StackId,
    RequestId,
    LogicalResourceId,
  };
  const response = await fetch(ResponseURL, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': '' },
  });
  if (!response.ok) throw new Fault('answer-malformed', `CloudFormation did not take the answer: ${response.status}`);
}
