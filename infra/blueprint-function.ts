// How is a Lambda function made? In this one way: own role, own log group, own alarm, nothing it does not need.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { type StepName, VARIABLES } from '../shared/env.ts';
import type { Alarms } from './alarms.ts';
import type { Bundles } from './bundles.ts';
import { accept, inBothPacks } from './nag.ts';
import type { Parameters } from './parameters.ts';
import { sendTo, type TableUse, useTable } from './permissions.ts';
import type { TableName, TrustStack } from './trust-stack.ts';

/** What every function of the service stack shares. */
export interface Service {
  readonly parameters: Parameters;
  readonly trust: TrustStack;
  readonly alarms: Alarms;
  readonly bundles: Bundles;
  /** Where an asynchronous call ends that failed three times. */
  readonly failedCalls: Queue;
}

export interface BlueprintFunctionProps {
  readonly service: Service;
  readonly step: StepName;
  /** What stops working for whom when the function fails, in plain words; the alarm says it. */
  readonly impact: string;
  /** Each table the step uses; the variable and the permission both come from here. */
  readonly tables: Readonly<Partial<Record<TableName, TableUse>>>;
  /** Other variables the handler reads, by their key in shared/env.ts. */
  readonly environment?: Readonly<Partial<Record<Exclude<keyof typeof VARIABLES, TableName>, string>>>;
  /** Everything else the role may do. */
  readonly permissions?: readonly PolicyStatement[];
  readonly timeout: Duration;
  readonly memory: number;
  /** Reserved: this many run at once, whatever else the account does, and never more. */
  readonly concurrency: number;
}

export class BlueprintFunction extends Construct {
  readonly lambda: LambdaFunction;
  private readonly logGroup: LogGroup;
  private readonly prefix: string;

  constructor(scope: Construct, id: string, props: BlueprintFunctionProps) {
    super(scope, id);
    const { service, step } = props;
    const logGroup = this.createLogGroup(service);
    this.logGroup = logGroup;
    this.prefix = service.parameters.prefix;
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName: functionName(service.parameters.prefix, step),
      description: `Wardkey step ${step}`,
      code: service.bundles(step),
      handler: service.parameters.bundle ? 'handler.handler' : 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memory,
      timeout: props.timeout,
      reservedConcurrentExecutions: props.concurrency,
      tracing: Tracing.DISABLED, // a trace would hold table names and timings outside the retention set for logs
      logGroup,
      role: this.createRole(props, logGroup),
      deadLetterQueue: service.failedCalls,
      environment: environment(props),
    });
    service.alarms.watch(this, 'Errors', {
      metric: this.lambda.metricErrors({ period: Duration.minutes(5), statistic: 'Sum' }),
      above: 0,
      impact: props.impact,
      article: `${step}-fails`,
    });
    accept(this, NO_VPC, inBothPacks('LambdaInsideVPC'));
    accept(this, INLINE, inBothPacks('IAMNoInlinePolicy'));
  }

  /** How many log lines say this, in one of these words; one line tells one decision. */
  countLines(name: string, [member, ...values]: readonly [string, ...string[]]): Metric {
    const patterns = values.map((value) => FilterPattern.stringValue(`$.${member}`, '=', value));
    return this.logGroup
      .addMetricFilter(name, {
        filterPattern: FilterPattern.any(...patterns),
        metricNamespace: `Wardkey/${this.prefix}`,
        metricName: name,
        metricValue: '1',
      })
      .metric({ statistic: 'Sum', period: Duration.minutes(1) });
  }

  private createLogGroup({ parameters, trust }: Service): LogGroup {
    return new LogGroup(this, 'Log', {
      encryptionKey: trust.keys.messages,
      retention: parameters.logRetentionDays,
      removalPolicy: parameters.retention === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }

  private createRole(props: BlueprintFunctionProps, logGroup: LogGroup): Role {
    const { trust, failedCalls } = props.service;
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const statements = [
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
      ...Object.entries(props.tables).flatMap(([table, use]) =>
        useTable(trust.tables[table as TableName], trust.keys.records, use),
      ),
      ...sendTo(failedCalls, trust.keys.messages),
      ...(props.permissions ?? []),
    ];
    for (const statement of statements) role.addToPolicy(statement);
    return role;
  }
}

/** Set by us, so that the CLI, a person and an alarm call a function by the name of its step. */
export function functionName(prefix: string, step: StepName): string {
  return `${prefix}-${step}`;
}

function environment({ service, tables, environment: others = {} }: BlueprintFunctionProps): Record<string, string> {
  const named = Object.keys(tables).map((table) => [
    VARIABLES[table as TableName],
    service.trust.tables[table as TableName].tableName,
  ]);
  const other = Object.entries(others).map(([key, value]) => [VARIABLES[key as keyof typeof others], value]);
  return { ...Object.fromEntries([...named, ...other]), NODE_OPTIONS } as Record<string, string>;
}

/** A small young generation: a manifest of a million rows then passes through in less than 200 MB (`npm run bench`). */
export const NODE_OPTIONS = '--enable-source-maps --max-semi-space-size=4';

const NO_VPC =
  'The function talks only to AWS service endpoints, over TLS and as its own role, and to nothing that lives in a VPC. ' +
  'A VPC would add an address to reach it by and take none away.';
const INLINE =
  'Each policy belongs to exactly one role and goes with it; a managed policy could be attached to other principals.';
