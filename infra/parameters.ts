// What may an installer choose? Every `-c name=value` that Wardkey reads, its default, and what counts as wrong.
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import * as z from 'zod';

export interface Parameters {
  /** Begins the name of everything that has a name; a second prefix is a second deployment in the same account. */
  readonly prefix: string;
  /** `local` is the simulated cloud on a developer's machine; infra/local.ts holds every difference. */
  readonly stage: 'production' | 'local';
  readonly region: string;
  /** Absent while no AWS account is known: the templates then fit any account. */
  readonly account: string | undefined;
  /** What deleting a stack does to tables, keys, manifests and logs. */
  readonly retention: 'retain' | 'destroy';
  readonly logRetentionDays: RetentionDays;
  /** How many first connects are decided at the same time. */
  readonly registrationConcurrency: number;
  /** How many days a refused certificate may wait for activation before the broker forgets it. */
  readonly pendingDays: number;
  /** JSON: which IAM principals may perform the acts of each role; nobody may by default. */
  readonly roles: string;
  /** Whether the keys of this deployment stand in AWS CloudHSM: then its clusters are watched. */
  readonly hsm: boolean;
  /** False: no handler code is bundled, for checks of the templates alone. */
  readonly bundle: boolean;
}

const RETENTIONS = Object.values(RetentionDays).filter(
  (days) => typeof days === 'number' && days !== RetentionDays.INFINITE,
) as readonly RetentionDays[];

const PREFIX = 'a small letter, then 1 to 20 small letters, digits or hyphens';
const REGION = 'a Region such as eu-central-1';
const DAYS = `one of ${RETENTIONS.join(', ')}`;
const PRINCIPALS =
  'ARNs as AWS STS names callers: IAM users, or sessions of assumed roles (/* for all), with commas between';
const PRINCIPAL =
  /^arn:[a-z-]+:(iam::\d{12}:(root|user\/[\w+=,.@/-]+)|sts::\d{12}:assumed-role\/[\w+=,.@-]+\/(\*|[\w+=,.@-]+))$/;
const CONCURRENCY = 'a whole number from 2 to 100';
const PENDING_DAYS = 'a whole number from 1 to 365';

const SCHEMAS = {
  prefix: z.string(PREFIX).regex(/^[a-z][a-z0-9-]{1,20}$/, PREFIX),
  stage: z.enum(['production', 'local'], '"production" or "local"'),
  region: z.string(REGION).regex(/^[a-z]{2}(-[a-z]+)+-\d$/, REGION),
  account: z.string('12 digits').regex(/^\d{12}$/, '12 digits'),
  retention: z.enum(['retain', 'destroy'], '"retain" or "destroy"'),
  logRetentionDays: z.string(DAYS).transform((text, { issues }) => {
    const days = RETENTIONS.find((allowed) => String(allowed) === text);
    if (days === undefined) issues.push({ code: 'custom', input: text, message: DAYS });
    return days ?? z.NEVER;
  }),
  registrationConcurrency: z
    .string(CONCURRENCY)
    .regex(/^([2-9]|[1-9]\d|100)$/, CONCURRENCY)
    .transform(Number),
  pendingDays: z
    .string(PENDING_DAYS)
    .regex(/^([1-9]|[1-9]\d|[12]\d\d|3[0-5]\d|36[0-5])$/, PENDING_DAYS)
    .transform(Number),
  operators: principals(),
  approvers: principals(),
  hsm: z.enum(['true', 'false'], '"true" or "false"'),
  bundle: z.enum(['true', 'false'], '"true" or "false"'),
} as const;

type Name = keyof typeof SCHEMAS;

/** Throws one line that names the parameter, what was expected and what came; nothing is guessed. */
export function readParameters(
  scope: Construct,
  environment: Readonly<Record<string, string | undefined>>,
): Parameters {
  const read = <N extends Name>(name: N, fallback: string) => readParameter(scope, name, fallback);
  const stage = read('stage', 'production');
  const account: unknown = scope.node.tryGetContext('account') ?? environment['CDK_DEFAULT_ACCOUNT'];
  return {
    prefix: read('prefix', 'wardkey'),
    stage,
    region: read('region', environment['CDK_DEFAULT_REGION'] ?? 'eu-central-1'),
    account: account === undefined ? undefined : parse('account', account),
    retention: read('retention', stage === 'production' ? 'retain' : 'destroy'),
    logRetentionDays: read('logRetentionDays', '365'),
    registrationConcurrency: read('registrationConcurrency', '10'),
    pendingDays: read('pendingDays', '30'),
    roles: JSON.stringify({ operator: read('operators', ''), approver: read('approvers', '') }),
    hsm: read('hsm', 'false') === 'true',
    bundle: read('bundle', 'true') === 'true',
  };
}

function principals() {
  return z.string(PRINCIPALS).transform((text, { issues }) => {
    const arns = text
      .split(',')
      .map((arn) => arn.trim())
      .filter((arn) => arn !== '');
    if (!arns.every((arn) => PRINCIPAL.test(arn))) issues.push({ code: 'custom', input: text, message: PRINCIPALS });
    return arns;
  });
}

function readParameter<N extends Name>(scope: Construct, name: N, fallback: string) {
  return parse(name, (scope.node.tryGetContext(name) as unknown) ?? fallback);
}

function parse<N extends Name>(name: N, value: unknown): z.output<(typeof SCHEMAS)[N]> {
  const parsed = SCHEMAS[name].safeParse(value);
  if (parsed.success) return parsed.data as z.output<(typeof SCHEMAS)[N]>;
  const expected = parsed.error.issues[0]?.message ?? 'a string';
  throw new Error(`parameter "${name}": expected ${expected}, got ${JSON.stringify(value)}`);
}
