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

test('the service stack differs in nothing but the resources of five calls to AWS IoT Core and queues over plain HTTP', () => {
  expect(comparable(local.serviceResources)).toEqual(comparable(production.serviceResources));
  const here = grants(local.serviceResources);
  const there = grants(production.serviceResources);
  const onlyHere = here.filter((grant) => !there.includes(grant));
  const onlyThere = there.filter((grant) => !here.includes(grant));
  expect(onlyHere.every((grant) => grant.endsWith(' on *'))).toBe(true);
  expect(onlyThere.some((grant) => grant.endsWith(' on *'))).toBe(false);
  expect(actionsOf(onlyHere)).toEqual(FIVE);
  expect(actionsOf(onlyThere)).toEqual(FIVE);
});

const FIVE = [
  'iot:AttachPolicy',
  'iot:DescribeCACertificate',
  'iot:DetachPolicy',
  'iot:ListTargetsForPolicy',
  'iot:UpdateCACertificate',
];

/** Without roles' policies, and policies of queues and buckets without the statement that refuses plain HTTP; dependencies follow them. */
function comparable(resources: Resources): unknown {
  return Object.entries(resources).flatMap(([id, { Type, Properties }]): object[] => {
    if (Type === 'AWS::IAM::Policy') return [];
    if (!['AWS::SQS::QueuePolicy', 'AWS::S3::BucketPolicy'].includes(Type)) return [{ id, Type, Properties }];
    const allowed = statements(Properties['PolicyDocument']).filter(({ Effect }) => Effect !== 'Deny');
    return allowed.length === 0 ? [] : [{ id, Type, allowed }];
  });
}

/** Who may do what on what, one line each, however CDK groups the statements. */
function grants(resources: Resources): readonly string[] {
  return Object.entries(resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Policy')
    .flatMap(([id, { Properties }]) =>
      statements(Properties['PolicyDocument']).flatMap(({ Action, Resource, Condition = {} }) =>
        list(Action).flatMap((action) =>
          list(Resource).map((on) => `${id} ${JSON.stringify(Condition)} ${action} on ${flat(on)}`),
        ),
      ),
    );
}

function actionsOf(lines: readonly string[]): readonly string[] {
  return [...new Set(lines.map((line) => / (iot:\w+) on /.exec(line)?.[1] ?? line))].toSorted();
}
