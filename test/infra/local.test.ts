// Does the local stage differ from production only in the ways that infra/local.ts names?
import { CliCredentialsStackSynthesizer, DefaultStackSynthesizer } from 'aws-cdk-lib';
import { expect, test } from 'vitest';

import { flat, list, type Resources, statements, synthesise } from './synth.ts';

const production = synthesise({ retention: 'destroy' });
const local = synthesise({ stage: 'local' });

test('the local stage deploys with the credentials of its caller, production through the bootstrap roles', () => {
  expect(production.trust.synthesizer).toBeInstanceOf(DefaultStackSynthesizer);
  expect(local.trust.synthesizer).toBeInstanceOf(CliCredentialsStackSynthesizer);
  expect(local.service.synthesizer).toBeInstanceOf(CliCredentialsStackSynthesizer);
});

test('the trust stack differs in nothing but the condition on the encryption context and buckets over plain HTTP', () => {
  const condition = /"Condition":\{"ArnLike":\{"kms:EncryptionContext:[^}]*\}\},/g;
  const text = JSON.stringify(comparable(production.trustResources));
  expect(text.match(condition)).toHaveLength(1);
  expect(JSON.parse(text.replace(condition, ''))).toEqual(comparable(local.trustResources));
  expect(JSON.stringify(local.trustResources)).not.toContain('kms:EncryptionContext');
});

test('the service stack differs in nothing but the resources of five calls to AWS IoT Core, tags of keys, and queues over plain HTTP', () => {
  expect(comparable(local.serviceResources)).toEqual(comparable(production.serviceResources));
  const here = grants(local.serviceResources);
  const there = grants(production.serviceResources);
  const onlyHere = here.filter((grant) => !there.includes(grant)).filter((grant) => !isOfKeys(grant));
  const onlyThere = there.filter((grant) => !here.includes(grant)).filter((grant) => !isOfKeys(grant));
  expect(onlyHere.every((grant) => grant.endsWith(' on *'))).toBe(true);
  expect(onlyThere.some((grant) => grant.endsWith(' on *'))).toBe(false);
  expect(actionsOf(onlyHere)).toEqual(FIVE);
  expect(actionsOf(onlyThere)).toEqual(FIVE);
});

test('keys of owners are reached there by the same calls of the same policies, without their tags', () => {
  const ofKeys = (resources: Resources) => grants(resources).filter(isOfKeys);
  const withoutConditions = (lines: readonly string[]) =>
    lines.map((line) => line.replace(/ \{.*\} /, ' {} ')).toSorted();
  const there = ofKeys(production.serviceResources);
  expect(there.every((line) => /aws:(Resource|Request)Tag\/wardkey:purpose/.test(line))).toBe(true);
  expect(ofKeys(local.serviceResources).toSorted()).toEqual(withoutConditions(there));
  expect(JSON.stringify(local.serviceResources)).not.toMatch(/aws:\w+Tag/);
});

/** Of keys that people make at run time; the two of the trust stack are named. */
function isOfKeys(grant: string): boolean {
  return / kms:\w+ on (\*|arn:aws:kms:\S+:key\/\*)$/.test(grant);
}

const FIVE = [
  'iot:AttachPolicy',
  'iot:DescribeCACertificate',
  'iot:DetachPolicy',
  'iot:ListTargetsForPolicy',
  'iot:UpdateCACertificate',
];

/** Without what roles and people may do, and policies of queues and buckets without the statement that refuses plain HTTP; dependencies follow them. */
function comparable(resources: Resources): unknown {
  return Object.entries(resources).flatMap(([id, { Type, Properties }]): object[] => {
    if (POLICIES.includes(Type)) return [];
    if (!['AWS::SQS::QueuePolicy', 'AWS::S3::BucketPolicy'].includes(Type)) return [{ id, Type, Properties }];
    const allowed = statements(Properties['PolicyDocument']).filter(({ Effect }) => Effect !== 'Deny');
    return allowed.length === 0 ? [] : [{ id, Type, allowed }];
  });
}

/** Who may do what on what, one line each, however CDK groups the statements. */
function grants(resources: Resources): readonly string[] {
  return Object.entries(resources)
    .filter(([, { Type }]) => POLICIES.includes(Type))
    .flatMap(([id, { Properties }]) =>
      statements(Properties['PolicyDocument']).flatMap(({ Action, Resource, Condition = {} }) =>
        list(Action).flatMap((action) =>
          list(Resource).map((on) => `${id} ${JSON.stringify(Condition)} ${action} on ${flat(on)}`),
        ),
      ),
    );
}

const POLICIES = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'];

function actionsOf(lines: readonly string[]): readonly string[] {
  return [...new Set(lines.map((line) => / (iot:\w+) on /.exec(line)?.[1] ?? line))].toSorted();
}
