// Who outside the stack may start something in it, and under what name? (T045: confused deputies)
import { expect, test } from 'vitest';

import { chunkObject, reportKey, resultObject } from '../../shared/whitelist/import.ts';
import { ACCOUNT, flat, ofType, type Resource, type Statement, statements, synthesise } from './synth.ts';

const { serviceResources: service, guardResources, guard, service: serviceStack } = synthesise({ prefix: 'ward-7' });
const { serviceResources: longest } = synthesise({ prefix: 'a'.repeat(21), region: 'us-gov-west-1' });

const isOurs = ({ Condition = {} }: Statement) => {
  const sources = Object.values(Condition).map((keys) => keys['aws:SourceArn']);
  return Condition['StringEquals']?.['aws:SourceAccount'] === ACCOUNT && sources.some((source) => source !== undefined);
};

test('T045 every permission of a service to invoke a function names the source and its account', () => {
  const permissions = ofType(service, 'AWS::Lambda::Permission');
  expect(permissions).toHaveLength(1); // the sweep; all other work comes through queues
  for (const [id, { Properties }] of permissions) {
    expect(Properties, id).toMatchObject({ Principal: 'events.amazonaws.com', SourceAccount: ACCOUNT });
    expect(flat(Properties['SourceArn']), id).toMatch(/^<OnboardingAlignmentSweepRule.*\.Arn>$/);
  }
});

test('T045 only our rules can take the role that fills the queue of first connects', () => {
  const roles = ofType(service, 'AWS::IAM::Role')
    .map(([, { Properties }]) => statements(Properties['AssumeRolePolicyDocument']))
    .filter(([trust]) => trust?.Principal?.Service === 'iot.amazonaws.com');
  expect(roles).toHaveLength(1);
  const names = topicRules().map(({ Properties }) => String(Properties['RuleName']));
  expect(roles[0]?.[0]?.Condition).toEqual({
    ArnEquals: { 'aws:SourceArn': names.map((name) => `arn:aws:iot:eu-central-1:${ACCOUNT}:rule/${name}`) },
    StringEquals: { 'aws:SourceAccount': ACCOUNT },
  });
});

test('T045 every statement that lets a service into a queue or topic names the source and its account', () => {
  const documents = ['AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'].flatMap((type) => ofType(service, type));
  const allowed = documents
    .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']))
    .filter(({ Effect }) => Effect === 'Allow');
  expect(allowed).toHaveLength(3); // manifests, sweeps that failed, alarms
  for (const statement of allowed) expect(isOurs(statement), JSON.stringify(statement)).toBe(true);
});

test('the rules hear of every certificate the broker registers and of every connect, and keep what they cannot deliver', () => {
  const told = topicRules().map(({ Properties }) => {
    const { Sql, AwsIotSqlVersion, ErrorAction } = Properties['TopicRulePayload'] as Record<string, unknown>;
    expect([AwsIotSqlVersion, ErrorAction]).toMatchObject(['2016-03-23', { Sqs: {} }]);
    return [Properties['RuleName'], Sql];
  });
  expect(told).toEqual([
    ['ward_7_first_connects', "SELECT * FROM '$aws/events/certificates/registered/+'"],
    // Neither an address nor a client id goes into the queue.
    ['ward_7_presence', "SELECT eventType, principalIdentifier, timestamp FROM '$aws/events/presence/connected/+'"],
  ]);
});

function topicRules(): readonly Resource[] {
  return ofType(service, 'AWS::IoT::TopicRule').map(([, rule]) => rule);
}

const devicePolicies = ofType(service, 'AWS::IoT::Policy');

test('there is one device policy for each phase of life', () => {
  expect(devicePolicies.map(([, { Properties }]) => Properties['PolicyName']).toSorted()).toEqual([
    'ward-7-operation',
    'ward-7-registration',
  ]);
});

test('a device policy has no wildcard but the class of telemetry, and fits the 2048 characters of IoT Core everywhere', () => {
  for (const [id, { Properties }] of [...devicePolicies, ...ofType(longest, 'AWS::IoT::Policy')]) {
    const text = documentText(Properties['PolicyDocument']);
    expect(text.match(/[^"]*\*/g) ?? [], id).toEqual(
      String(Properties['PolicyName']).endsWith('operation') ? [expect.stringMatching(/\/telemetry\/\*$/)] : [],
    );
    expect(text.replace(/\s/g, '').length, id).toBeLessThanOrEqual(2048);
  }
});

function documentText(document: unknown): string {
  return JSON.stringify(document, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'Fn::Join' in value ? flat(value) : value,
  );
}

test('only what completes a delivery in the manifests folder starts an import', () => {
  const patterns = ofType(service, 'AWS::Events::Rule')
    .map(([, { Properties }]) => Properties['EventPattern'])
    .filter(Boolean);
  expect(patterns).toEqual([
    {
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: {
        bucket: { name: [expect.anything()] },
        object: { key: [{ wildcard: 'manifests/*.jws' }, { wildcard: 'manifests/*.json' }] },
      },
    },
  ]);
});

test('what the functions write into the same bucket starts no import: it would never end', () => {
  const [rule] = ofType(service, 'AWS::Events::Rule').flatMap(([, { Properties }]) => Properties['EventPattern'] ?? []);
  const { detail } = rule as { detail: { object: { key: { wildcard: string }[] } } };
  const starts = (key: string) => detail.object.key.some(({ wildcard }) => asRegExp(wildcard).test(key));
  const delivery = { signatureKey: 'manifests/acme/lot.json', signatureVersion: 'v1' };
  const deliveries = ['manifests/acme/lot.json', 'manifests/acme/lot.jsonl.jws', 'manifests/acme/lot.tar.jws'];
  const written = deliveries
    .map(reportKey)
    .concat(chunkObject(delivery, { chunk: 1, digest: 'd' }), resultObject(delivery, 1));
  expect(deliveries.filter((key) => !starts(key))).toEqual([]);
  expect(written.filter(starts)).toEqual([]);
  expect(starts('manifests/acme/lot.jsonl')).toBe(false); // it waits for its signature
});

/** As EventBridge matches: `*` is any text, everything else itself. */
function asRegExp(wildcard: string): RegExp {
  return new RegExp(`^${wildcard.replaceAll('.', String.raw`\.`).replaceAll('*', '.*')}$`);
}

test('the guard stands on the service stack, so it is deleted before anything that it guards', () => {
  const [[, custom] = []] = ofType(guardResources, 'Custom::WardkeyDeletionGuard');
  expect(Object.keys(guardResources).filter((id) => id !== 'CDKMetadata')).toHaveLength(1);
  expect(JSON.stringify(custom?.Properties['ServiceToken'])).toMatch(/Fn::ImportValue.*ward-7-service:/);
  expect(guard.dependencies).toContain(serviceStack);
});
