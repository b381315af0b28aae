// How does the local stage (`-c stage=local`, MiniStack) differ from production? Every difference is in this file.
import { CliCredentialsStackSynthesizer, type IStackSynthesizer } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

import { accept, inBothPacks } from './nag.ts';
import type { Parameters } from './parameters.ts';

type Stage = Parameters['stage'];

/**
 * Production publishes and deploys through the bootstrap roles. Their policies use `aws:ResourceAccount`, which
 * MiniStack does not know and therefore denies, so the local stage uses the caller's own credentials.
 */
export function synthesizer(stage: Stage): { synthesizer?: IStackSynthesizer } {
  return stage === 'local' ? { synthesizer: new CliCredentialsStackSynthesizer() as IStackSynthesizer } : {};
}

/** MiniStack does not know `kms:EncryptionContext:*`: a statement with it would never allow anything. */
export function encryptionContext<Conditions extends object>(
  stage: Stage,
  conditions: Conditions,
): Conditions | object {
  return stage === 'local' ? {} : conditions;
}

/** MiniStack evaluates no tags of keys: a statement that asks for one would never allow anything. */
export function keyTags<Conditions extends object>(stage: Stage, conditions: Conditions): Conditions | object {
  return stage === 'local' ? {} : conditions;
}

/**
 * Resources of the calls whose ARN MiniStack does not work out: AttachPolicy, DetachPolicy, ListTargetsForPolicy,
 * DescribeCACertificate and UpdateCACertificate are evaluated there on "*" only.
 */
export function brokerResources(stage: Stage, arns: string[]): string[] {
  return stage === 'local' ? ['*'] : arns;
}

/**
 * MiniStack is reached over plain HTTP on the loopback address, and evaluates the statement of a queue's or bucket's
 * policy that refuses it: nobody could use them.
 */
export function refusesPlainHttp(stage: Stage): boolean {
  return stage !== 'local';
}

/** Accepts what the rule packs say of a queue or bucket without that statement; in production nothing is accepted. */
export function acceptPlainHttp(scope: Construct, stage: Stage): void {
  if (refusesPlainHttp(stage)) return;
  const rules = ['AwsSolutions-SQS4', 'AwsSolutions-S10', ...inBothPacks('S3BucketSSLRequestsOnly')];
  accept(scope, 'The simulated cloud of the local stage answers on the loopback address only.', rules);
}
