// Who outside the stack may start something in it, and under what name? (T045: confused deputies)
import { expect, test } from 'vitest';

import { chunkObject, reportKey, resultObject } from '../../shared/whitelist/import.ts';
import { ACCOUNT, flat, list, ofType, type Resource, type Statement, statements, synthesise } from './synth.ts';

const {
  serviceResources: service,
  guardResources,
  guard,
  service: serviceStack,
} = synthesise({ prefix: 'ward-7', hsm: 'true' });
const { serviceResources: longest } = synthesise({ prefix: 'a'.repeat(21), region: 'us-gov-west-1' });

const isOurs = ({ Condition = {} }: Statement) => {
  const sources = Object.values(Condition).map((keys) => keys['aws:SourceArn']);
  return Condition['StringEquals']?.['aws:SourceAccount'] === ACCOUNT && sources.some((source) => source !== undefined);
};

test('T045 every permission of a service to invoke a function names the source and its account', () => {
  const permissions = ofType(service, 'AWS::Lambda::Permission');
  for (const [id, { Properties }] of permissions)
    expect(Properties, id).toMatchObject({ Principal: 'events.amazonaws.com', SourceAccount: ACCOUNT });
  const started = permissions.map(([, { Properties }]) => {
    const target = service[flat(Properties['FunctionName']).slice(1).split('.')[0] ?? ''];
    return [target?.Properties['FunctionName'], flat(Properties['SourceArn']).replace(/Rule.*/, '')];
  });
  // All other work comes through queues, or from people.
  expect(started.toSorted()).toEqual([
    ['ward-7-align-broker', '<OnboardingAlignmentSweep'],
    ['ward-7-publish-crl', '<IssuanceLists'],
    ['ward-7-push-renewals', '<IssuanceRenewals'],
    ['ward-7-watch-hsm', '<HsmLooks'],
  ]);
});

test.each([
  ['OnboardingAlignmentSweep', 'rate(1 minute)', { sweep: true }],
  ['IssuanceRenewals', 'rate(1 day)', { renewals: true }],
  ['IssuanceLists', 'rate(1 hour)', { lists: true }],
  ['HsmLooks', 'rate(5 minutes)', { hsm: true }],
])(
  '%s starts at %s, says which start it is, and keeps a start that failed in a queue of its own',
  (id, rate, input) => {
    const [[, { Properties }] = none()] = ofType(service, 'AWS::Events::Rule').filter(([name]) => name.startsWith(id));
    expect(Properties['ScheduleExpression']).toBe(rate);
    const [target, ...others] = Properties['Targets'] as { Input: string; DeadLetterConfig: { Arn: unknown } }[];
    expect(others).toEqual([]);
    expect(JSON.parse(target?.Input ?? '')).toEqual(input);
    expect(flat(target?.DeadLetterConfig.Arn)).toMatch(new RegExp(`^<${id}MissedQueue.*\\.Arn>$`));
  },
);

function none(): never {
  throw new Error('expected one of this name');
}

/** By the role that each of its rules takes. */
const ROLES = Map.groupBy(topicRules(), ({ Properties }) => flat(actionOf(Properties).roleArn));

test('T045 only its own rules can take a role that fills queues', () => {
  const roles = ofType(service, 'AWS::IAM::Role').filter(
    ([, { Properties }]) =>
      statements(Properties['AssumeRolePolicyDocument'])[0]?.Principal?.Service === 'iot.amazonaws.com',
  );
  expect(roles.map(([id]) => `<${id}.Arn>`).toSorted()).toEqual([...ROLES.keys()].toSorted());
  for (const [id, { Properties }] of roles) {
    const names = ROLES.get(`<${id}.Arn>`)?.map((rule) => String(rule.Properties['RuleName'])) ?? [];
    const arns = names.map((name) => `arn:aws:iot:eu-central-1:${ACCOUNT}:rule/${name}`);
    const [{ Condition } = none(), ...others] = statements(Properties['AssumeRolePolicyDocument']);
    expect(others).toEqual([]);
    expect(Condition).toEqual({
      ArnEquals: { 'aws:SourceArn': arns },
      StringEquals: { 'aws:SourceAccount': ACCOUNT },
    });
  }
});

test('T147 such a role may send to the queues of its own rules, and nothing else', () => {
  for (const [role, rules] of ROLES) {
    const allowed = ofType(service, 'AWS::IAM::Policy')
      .filter(([, { Properties }]) => (Properties['Roles'] as unknown[]).map(flat).includes(role.replace('.Arn', '')))
      .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']))
      .filter(({ Action }) => !list(Action).every((action) => action.startsWith('kms:')));
    expect(new Set(allowed.flatMap(({ Action }) => list(Action)))).toEqual(new Set(['sqs:SendMessage']));
    const queues = rules.flatMap(({ Properties }) => [actionOf(Properties), errorActionOf(Properties)]);
    expect(new Set(allowed.flatMap(({ Resource }) => list(Resource).map(flat)))).toEqual(
      new Set(queues.map(({ queueUrl }) => flat(queueUrl).replace('>', '.Arn>'))),
    );
  }
});

interface SqsAction {
  readonly queueUrl: unknown;
  readonly roleArn: unknown;
  readonly useBase64: boolean;
}

function actionOf({ TopicRulePayload: payload }: Resource['Properties']): SqsAction {
  const [action, ...others] = (payload as { Actions: { Sqs: Record<string, unknown> }[] }).Actions;
  expect(others).toEqual([]);
  return sqsAction(action?.Sqs);
}

function errorActionOf({ TopicRulePayload: payload }: Resource['Properties']): SqsAction {
  return sqsAction((payload as { ErrorAction: { Sqs: Record<string, unknown> } }).ErrorAction.Sqs);
}

function sqsAction(sqs: Record<string, unknown> = {}): SqsAction {
  return { queueUrl: sqs['QueueUrl'], roleArn: sqs['RoleArn'], useBase64: sqs['UseBase64'] === true };
}

test('T045 every statement that lets a service into a queue or topic names the source and its account', () => {
  const documents = ['AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'].flatMap((type) => ofType(service, type));
  const allowed = documents
    .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']))
    .filter(({ Effect }) => Effect === 'Allow');
  expect(allowed).toHaveLength(6); // manifests, alarms, and starts that failed: sweep, renewals, lists, CloudHSM
  for (const statement of allowed) expect(isOurs(statement), JSON.stringify(statement)).toBe(true);
});

const ASKED =
  "SELECT encode(*, 'base64') AS message, clientid() AS client, topic(2) AS thing, principal() AS principal, timestamp() AS receivedAt FROM ";

type Heard = readonly [rule: string, sql: string, queue: string];

const OF_DEVICES: readonly Heard[] = [
  ['certificate_requests', `${ASKED}'wardkey/+/certificate/request'`, 'IssuanceRequestsQueue'],
  ['certificate_confirmations', `${ASKED}'wardkey/+/certificate/confirm'`, 'IssuanceConfirmationsQueue'],
];

// What a device says comes as one text beside what the broker says, so that no member of it stands among those.
test.each(OF_DEVICES)(
  'T085 the rule %s takes who is connected from the broker alone, and keeps what it cannot deliver',
  (...rule) => {
    expectRule(rule);
  },
);

const OF_THE_BROKER: readonly Heard[] = [
  ['first_connects', "SELECT * FROM '$aws/events/certificates/registered/+'", 'OnboardingRegistrationsQueue'],
  // Neither an address nor a client id goes into this queue.
  [
    'presence',
    "SELECT eventType, principalIdentifier, timestamp FROM '$aws/events/presence/connected/+'",
    'OnboardingRegistrationsQueue',
  ],
  [
    'sessions',
    "SELECT eventType, clientId, principalIdentifier, sessionIdentifier, ipAddress, timestamp FROM '$aws/events/presence/+/+'",
    'SessionsPresenceQueue',
  ],
];

test.each(OF_THE_BROKER)(
  'the rule %s hears these events of the broker, and keeps what it cannot deliver',
  (...rule) => {
    expectRule(rule);
  },
);

function expectRule([name, sql, queue]: Heard): void {
  const [{ Properties } = none()] = topicRules().filter((one) => one.Properties['RuleName'] === `ward_7_${name}`);
  expect(Properties['TopicRulePayload']).toMatchObject({ Sql: sql, AwsIotSqlVersion: '2016-03-23' });
  const [action, error] = [actionOf(Properties), errorActionOf(Properties)];
  expect(flat(action.queueUrl)).toMatch(new RegExp(`^<${queue}`));
  expect(flat(error.queueUrl)).toMatch(/^<\w+UndeliveredQueue/);
  // Base64 over the whole message would be one that nobody reads.
  expect([action.useBase64, error.useBase64]).toEqual([false, false]);
}

test('there are no other rules', () => {
  expect(topicRules()).toHaveLength(OF_DEVICES.length + OF_THE_BROKER.length);
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
