// The real app, synthesised in the test's own process: the same cdk.json, no handler code, no credentials.
import { readFileSync } from 'node:fs';

import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

import { buildDeployment } from '../../infra/deployment.ts';
import type { StepName } from '../../shared/env.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
}
export type Resources = Readonly<Record<string, Resource>>;

export const ACCOUNT = '123456789012';

/** An app with the context of cdk.json and these parameters; `environment` stands for the process environment. */
export function createApp(parameters: Readonly<Record<string, unknown>> = {}): App {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: Record<string, unknown> };
  return new App({ context: { ...context, bundle: 'false', ...parameters } });
}

export function synthesise(parameters: Readonly<Record<string, unknown>> = {}) {
  const deployment = buildDeployment(createApp({ account: ACCOUNT, ...parameters }), {});
  return {
    ...deployment,
    trustResources: resources(deployment.trust),
    serviceResources: resources(deployment.service),
    guardResources: resources(deployment.guard),
  };
}

export function template(stack: Stack) {
  return Template.fromStack(stack).toJSON() as { Resources: Resources; Outputs?: Record<string, { Value: unknown }> };
}

export function resources(stack: Stack): Resources {
  return template(stack).Resources;
}

export function ofType(all: Resources, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(all).filter(([, { Type }]) => Type === type);
}

/** The function of a step, in a deployment of the default prefix. */
export function functionOf(service: Resources, step: StepName): Resource {
  const [[, found] = []] = ofType(service, 'AWS::Lambda::Function').filter(
    ([, { Properties }]) => Properties['FunctionName'] === `wardkey-${step}`,
  );
  if (found === undefined) throw new Error(`expected a function of ${step}`);
  return found;
}

/** Everything that the role of a step may do. */
export function roleStatements(service: Resources, step: StepName): readonly Statement[] {
  const [role] = (functionOf(service, step).Properties['Role'] as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'];
  return ofType(service, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => (Properties['Roles'] as unknown[]).map(flat).includes(`<${role}>`))
    .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']));
}

/** What a managed policy says, by its name. */
export function managedStatements(service: Resources, name: string): readonly Statement[] {
  return ofType(service, 'AWS::IAM::ManagedPolicy')
    .filter(([, { Properties }]) => Properties['ManagedPolicyName'] === name)
    .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']));
}

/** A value of a template as text: references by their names, joins joined. */
export function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  const node = value as Record<string, unknown>;
  const join = node['Fn::Join'] as [string, unknown[]] | undefined;
  if (join !== undefined) return join[1].map(flat).join(join[0]);
  const attribute = node['Fn::GetAtt'] as [string, string] | undefined;
  if (attribute !== undefined) return `<${attribute.join('.')}>`;
  if (typeof node['Ref'] === 'string') return `<${node['Ref']}>`;
  return JSON.stringify(value);
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Principal?: { readonly Service?: string };
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export function statements(document: unknown): readonly Statement[] {
  return (document as { Statement: readonly Statement[] }).Statement;
}

export function list<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
