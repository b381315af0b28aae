// How is a finding of a rule pack accepted? Only here, only with a reason, and only on the construct it is true of.
import { Stack, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * Accepts findings on this construct and its children. `ids` are exactly as the synth prints them, without the pack's
 * name (`AwsSolutions-IAM5[Resource::*]`). The reason is written for an auditor: what is so, and why that is enough.
 */
export function accept(scope: Construct, reason: string, ids: readonly string[]): void {
  Validations.of(scope).acknowledge(...ids.map((id) => ({ id, reason })));
}

/** One rule that two packs know under their own names. */
export function inBothPacks(rule: string): readonly string[] {
  return [`HIPAA.Security-${rule}`, `NIST.800.53.R5-${rule}`];
}

/** The finding that one resource of an IAM policy ends with a wildcard, by the name the pack gives it. */
export function wildcard(scope: Construct, arn: string): string {
  return `AwsSolutions-IAM5[Resource::${flatten(Stack.of(scope).resolve(arn))}]`;
}

// As cdk-nag writes references: `<LogicalId>`, `<LogicalId.Attribute>`, and an import by its export's name.
function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  const reference = value as Reference;
  if (reference['Fn::Join'] !== undefined) return reference['Fn::Join'][1].map(flatten).join(reference['Fn::Join'][0]);
  if (reference['Fn::GetAtt'] !== undefined) return `<${reference['Fn::GetAtt'].join('.')}>`;
  if (reference['Fn::ImportValue'] !== undefined) return reference['Fn::ImportValue'];
  if (reference.Ref !== undefined) return `<${reference.Ref}>`;
  return JSON.stringify(value);
}

interface Reference {
  readonly Ref?: string;
  readonly 'Fn::Join'?: readonly [string, readonly unknown[]];
  readonly 'Fn::GetAtt'?: readonly [string, string];
  readonly 'Fn::ImportValue'?: string;
}
