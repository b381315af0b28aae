// How does a command ask a deployed function? By invoking it; what changes something carries the caller's proof.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

import type { Json } from '../shared/canonical.ts';
import type { StepName } from '../shared/env.ts';
import type { Outcome } from '../shared/outcome.ts';
import { REASONS, type Refusal } from '../shared/reasons.ts';
import type { Deployment } from './deployment.ts';
import { signAct } from './identity.ts';
import { colour, plain } from './terminal.ts';

/** An act, signed by the caller's own credentials. */
export async function performAct<T>(deployment: Deployment, step: StepName, act: Json): Promise<Outcome<T>> {
  const identity = await signAct(act, deployment.functionArn(step), deployment.place.config);
  return invoke(deployment, step, { act, identity });
}

/** A fault of the function is thrown, with its request id. */
export async function invoke<T>(deployment: Deployment, step: StepName, event: object): Promise<Outcome<T>> {
  const client = new LambdaClient(deployment.place.config);
  const FunctionName = deployment.functionArn(step);
  const answer = await client.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
  const body = JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8')) as unknown;
  if (answer.FunctionError === undefined) return body as Outcome<T>;
  const message = (body as { errorMessage?: string }).errorMessage ?? 'no message';
  throw new Error(`${step} failed: ${message}; its log says more`);
}

/** `refused: not-listed: no whitelist row lists this certificate (certificateId ab12…)` */
export function describeRefusal({ reason, ...compared }: Refusal): string {
  const fields = Object.entries(compared).map(([name, value]) => `${name} ${String(value)}`);
  const values = fields.length === 0 ? '' : ` (${fields.join(', ')})`;
  return `${colour('red', 'refused')}: ${reason}: ${REASONS[reason].sentence}${plain(values)}`;
}
