// What is one deployment of Wardkey? Three stacks, checked by three rule packs before anything leaves this machine.
import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks } from 'cdk-nag';

import { STACKS } from '../shared/env.ts';
import { GuardStack } from './guard-stack.ts';
import { synthesizer } from './local.ts';
import { readParameters, type Parameters } from './parameters.ts';
import { ServiceStack } from './service-stack.ts';
import { TrustStack } from './trust-stack.ts';

export interface Deployment {
  readonly parameters: Parameters;
  readonly trust: TrustStack;
  readonly service: ServiceStack;
  readonly guard: GuardStack;
}

/** Adds the stacks to the app. `environment` is the process environment, from which `cdk` tells account and region. */
export function buildDeployment(app: App, environment: Readonly<Record<string, string | undefined>>): Deployment {
  const parameters = readParameters(app, environment);
  // Strong references: CloudFormation then refuses to delete the trust stack while the service stack stands on it.
  app.node.setContext('@aws-cdk/core:defaultCrossStackReferences', 'strong');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new HIPAASecurityChecks(app), new NIST80053R5Checks(app));
  const { prefix, account, region } = parameters;
  const env = account === undefined ? { region } : { account, region };
  const common = { env, parameters, ...synthesizer(parameters.stage) };
  const trust = new TrustStack(app, 'Trust', { ...common, stackName: STACKS.trust(prefix) });
  const service = new ServiceStack(app, 'Service', { ...common, stackName: STACKS.service(prefix), trust });
  const { deletionGuard: step } = service;
  const guard = new GuardStack(app, 'Guard', { ...common, stackName: STACKS.guard(prefix), step });
  return { parameters, trust, service, guard };
}
