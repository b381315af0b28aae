// Who may use which key, who may speak to devices, and who may make the keys of owners? Nobody else, and no function makes keys.
import { expect, test } from 'vitest';

import { type StepName, STEPS } from '../../shared/env.ts';
import {
  ACCOUNT,
  flat,
  functionOf,
  list,
  managedStatements,
  ofType,
  roleStatements,
  type Statement,
  statements,
  synthesise,
} from './synth.ts';

const { serviceResources: service } = synthesise({ hsm: 'true' });
const steps = Object.keys(STEPS) as StepName[];
const ANY_KEY = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/*`;
const TAG = 'aws:ResourceTag/wardkey:purpose';

const actionsOf = ({ Action }: Pick<Statement, 'Action'>, service: string) =>
  list(Action).filter((action) => action.startsWith(`${service}:`));
/** Statements of a step that are about keys made at run time. */
const onOwnersKeys = (step: StepName) =>
  roleStatements(service, step).filter(({ Resource }) => list(Resource).map(flat).includes(ANY_KEY));

test.each(['issue-certificate', 'publish-crl'] as const)(
  'T147 %s signs with keys of this account that people tagged for issuing, and reaches no other key of an owner',
  (step) => {
    expect(onOwnersKeys(step)).toEqual([
      {
        Effect: 'Allow',
        Action: ['kms:GetPublicKey', 'kms:Sign'],
        Resource: ANY_KEY,
        Condition: { StringEquals: { [TAG]: ['issuing'], 'aws:ResourceAccount': ACCOUNT } },
      },
    ]);
  },
);

test('T147 create-authority looks at keys tagged for issuing and for delivery, and uses none', () => {
  expect(onOwnersKeys('create-authority')).toEqual([
    {
      Effect: 'Allow',
      Action: ['kms:DescribeKey', 'kms:GetKeyPolicy', 'kms:GetPublicKey', 'kms:ListResourceTags'],
      Resource: ANY_KEY,
      Condition: { StringEquals: { [TAG]: ['issuing', 'delivery'], 'aws:ResourceAccount': ACCOUNT } },
    },
  ]);
});

test('T147 no other step reaches a key of an owner', () => {
  const able = steps.filter((step) => onOwnersKeys(step).length > 0);
  expect(able.toSorted()).toEqual(['create-authority', 'issue-certificate', 'publish-crl']);
});

test('T147 two steps may sign', () => {
  const able = steps.filter((step) =>
    roleStatements(service, step).some(({ Action }) => list(Action).includes('kms:Sign')),
  );
  expect(able.toSorted()).toEqual(['issue-certificate', 'publish-crl']);
});

test('T147 no role makes, tags, shares, disables or ends a key, or changes who may use it: this is all that roles do with keys', () => {
  const actions = ofType(service, 'AWS::IAM::Policy')
    .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']))
    .flatMap((statement) => actionsOf(statement, 'kms'));
  expect([...new Set(actions)].toSorted()).toEqual([
    'kms:Decrypt',
    'kms:DescribeCustomKeyStores',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:GetKeyPolicy',
    'kms:GetPublicKey',
    'kms:ListResourceTags',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
    'kms:Sign',
  ]);
});

test('T147 nothing but these policies gives a role its rights: no managed one is attached, no boundary is left out of sight', () => {
  for (const [id, { Properties }] of ofType(service, 'AWS::IAM::Role')) {
    expect(Properties, id).not.toHaveProperty('ManagedPolicyArns');
    expect(Properties, id).not.toHaveProperty('Policies');
  }
  for (const [id, { Properties }] of ofType(service, 'AWS::IAM::ManagedPolicy'))
    for (const to of ['Roles', 'Users', 'Groups']) expect(Properties, id).not.toHaveProperty(to);
});

test('T147 the storage keys have no tags: no role reaches one as if it were an owner’s', () => {
  const { trustResources } = synthesise();
  for (const [id, { Properties }] of ofType(trustResources, 'AWS::KMS::Key'))
    expect(Properties, id).not.toHaveProperty('Tags');
});

test.each([
  ['issue-certificate', ['accepted', 'rejected']],
  ['confirm-certificate', ['accepted']],
  ['push-renewals', ['renew']],
] as const)('T147 %s speaks to devices on these topics alone: %j', (step, topics) => {
  const spoken = roleStatements(service, step)
    .filter(({ Action }) => list(Action).includes('iot:Publish'))
    .flatMap(({ Resource }) => list(Resource).map(flat));
  const arn = (topic: string) => `arn:aws:iot:eu-central-1:${ACCOUNT}:topic/wardkey/*/certificate/${topic}`;
  expect(spoken).toEqual(topics.map(arn));
});

test('T147 no other step speaks to devices', () => {
  const able = steps.filter((step) =>
    roleStatements(service, step).some(({ Action }) => list(Action).includes('iot:Publish')),
  );
  expect(able.toSorted()).toEqual(['confirm-certificate', 'issue-certificate', 'push-renewals']);
});

const CAS = `arn:aws:iot:eu-central-1:${ACCOUNT}:cacert/*`;

test.each([
  ['create-authority', 'iot:UpdateCACertificate'],
  ['change-trust', ['iot:DescribeCACertificate', 'iot:UpdateCACertificate']],
] as const)('T147 %s registers CAs and changes those that are registered, and removes none', (step, changes) => {
  const broker = roleStatements(service, step)
    .filter((statement) => actionsOf(statement, 'iot').length > 0)
    .map(({ Action, Resource }) => [Action, flat(Resource)]);
  expect(broker).toEqual([
    ['iot:RegisterCACertificate', '*'],
    [changes, CAS],
  ]);
});

test('orders of signatures leave by two steps, and answers come back to them: no function writes an answer', () => {
  const sends = (queue: RegExp) =>
    steps.filter((step) =>
      roleStatements(service, step).some(
        ({ Action, Resource }) =>
          list(Action).includes('sqs:SendMessage') && list(Resource).some((one) => queue.test(flat(one))),
      ),
    );
  expect(sends(/^<IssuanceSigningOrdersQueue/).toSorted()).toEqual(['issue-certificate', 'publish-crl']);
  expect(sends(/^<IssuanceSigning(Certificates|Lists)Queue/)).toEqual([]);
});

test.each([
  ['issue-certificate', 'SIGNED_QUEUE_ARN', /^<IssuanceSigningCertificatesQueue.*\.Arn>$/],
  ['publish-crl', 'SIGNED_LIST_QUEUE_ARN', /^<IssuanceSigningListsQueue.*\.Arn>$/],
] as const)('%s knows the answers of a signer by the queue that feeds it', (step, variable, queue) => {
  const { Variables } = functionOf(service, step).Properties['Environment'] as {
    readonly Variables: Readonly<Record<string, unknown>>;
  };
  const arn = flat(Variables[variable]);
  expect(arn).toMatch(queue);
  const feeds = ofType(service, 'AWS::Lambda::EventSourceMapping')
    .filter(([, { Properties }]) => flat(Properties['EventSourceArn']) === arn)
    .map(([, { Properties }]) => service[flat(Properties['FunctionName']).slice(1, -1)]?.Properties['FunctionName']);
  expect(feeds).toEqual([`wardkey-${step}`]);
});

test('whoever holds a ceremony makes keys with both tags and no other, and signs with keys that have them', () => {
  const tagged = (of: string, purposes: string | readonly string[]) => ({
    StringEquals: { [`aws:${of}/wardkey:purpose`]: purposes },
    StringLike: { [`aws:${of}/wardkey:owner`]: '?*' },
  });
  expect(managedStatements(service, 'wardkey-ceremony')).toEqual([
    {
      Effect: 'Allow',
      Action: ['kms:CreateKey', 'kms:TagResource'],
      Resource: '*',
      Condition: {
        ...tagged('RequestTag', ['root', 'issuing', 'delivery']),
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['wardkey:purpose', 'wardkey:owner'] },
      },
    },
    {
      Effect: 'Allow',
      Action: ['kms:GetPublicKey', 'kms:Sign'],
      Resource: ANY_KEY,
      Condition: tagged('ResourceTag', ['root', 'issuing']),
    },
    {
      Effect: 'Allow',
      Action: 'kms:GenerateDataKeyPairWithoutPlaintext',
      Resource: ANY_KEY,
      Condition: tagged('ResourceTag', ['delivery']),
    },
  ]);
});

test('whoever signs beside an HSM takes orders and leaves answers: no key of ours, no table, no object', () => {
  const allowed = managedStatements(service, 'wardkey-signer').flatMap(({ Effect, Action, Resource, Condition }) =>
    list(Action).flatMap((action) =>
      list(Resource).map((one) => `${Effect} ${action} ${nameOf(one)}${through(Condition)}`),
    ),
  );
  expect([...new Set(allowed)].toSorted()).toEqual([
    'Allow cloudformation:DescribeStacks wardkey-service',
    'Allow cloudformation:DescribeStacks wardkey-trust',
    'Allow kms:Decrypt MessagesKey through sqs.eu-central-1.<AWS::URLSuffix>',
    'Allow kms:GenerateDataKey MessagesKey through sqs.eu-central-1.<AWS::URLSuffix>',
    // It asks which certificate its key belongs to. Acts ask for a role, which this principal has not.
    'Allow lambda:InvokeFunction IssuanceCreateAuthorityFunction',
    'Allow sqs:DeleteMessage IssuanceSigningOrdersQueue',
    'Allow sqs:ReceiveMessage IssuanceSigningOrdersQueue',
    'Allow sqs:SendMessage IssuanceSigningCertificatesQueue',
    'Allow sqs:SendMessage IssuanceSigningListsQueue',
  ]);
});

/** Of a queue, a function, a key of the trust stack, or a stack. */
function nameOf(resource: unknown): string {
  const text = flat(resource);
  return /(\w+(?:Queue|Function|Key)|wardkey-\w+(?=\/\*$))/.exec(text.replace(/.*FnGetAtt/, ''))?.[1] ?? text;
}

function through(condition: Statement['Condition']): string {
  const service = condition?.['StringEquals']?.['kms:ViaService'];
  return service === undefined ? '' : ` through ${flat(service)}`;
}
