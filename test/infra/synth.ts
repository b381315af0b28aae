// The real app, synthesised in the test's own process: the same cdk.json, no handler code, no credentials.
import { readFileSync } from 'node:fs';

import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

import { buildDeployment } from '../../infra/deployment.ts';

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
