// Does every function have its own, least permissions, and does every failure reach somebody?
import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { OUTPUTS, type StepName, STEPS, VARIABLES } from '../../shared/env.ts';
import {
  ACCOUNT,
  flat,
  functionOf,
  list,
  managedStatements,
  ofType,
  roleStatements,
  statements,
  synthesise,
  template,
} from './synth.ts';

// With the watch over CloudHSM, which a deployment must ask for (hsm.test.ts): then every step is there.
const { serviceResources: service, service: stack } = synthesise({ hsm: 'true' });
const functions = ofType(service, 'AWS::Lambda::Function');
const alarms = ofType(service, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
const readme = readFileSync('infra/README.md', 'utf8');
const roleOf = (step: StepName) => roleStatements(service, step);

test('every step is one function, found by the name in its output', () => {
  const { Outputs = {} } = template(stack);
  const names = functions.map(([, { Properties }]) => Properties['FunctionName']);
  expect(names.toSorted()).toEqual(
    Object.keys(STEPS)
      .map((step) => `wardkey-${step}`)
      .toSorted(),
  );
  for (const step of Object.keys(STEPS) as StepName[]) {
    expect(Outputs[OUTPUTS.function(step)]?.Value).toBe(`wardkey-${step}`);
  }
  const { registrationPolicy, operationPolicy, operatorPolicy, ceremonyPolicy, signerPolicy } = OUTPUTS;
  const policyNames = [registrationPolicy, operationPolicy, operatorPolicy, ceremonyPolicy, signerPolicy];
  for (const name of policyNames) expect(Outputs).toHaveProperty(name);
});

test('T147 each function has a role of its own', () => {
  const roles = functions.map(([, { Properties }]) => flat(Properties['Role']));
  expect(new Set(roles).size).toBe(functions.length);
});

/** What reading from a queue takes. */
const FED = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
  'sqs:ReceiveMessage',
];

test.each(functions)(
  'T147 %s runs Node 24, with reserved concurrency, a dead letter queue and a log that is encrypted and ends',
  (_id, { Properties }) => {
    expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
    expect(Properties['ReservedConcurrentExecutions']).toBeGreaterThan(0);
    expect(flat((Properties['DeadLetterConfig'] as Record<string, unknown>)['TargetArn'])).toMatch(/^<FailedCalls/);
    const log = service[flat((Properties['LoggingConfig'] as Record<string, unknown>)['LogGroup']).slice(1, -1)];
    expect(log?.Properties['RetentionInDays']).toBe(365);
    expect(JSON.stringify(log?.Properties['KmsKeyId'])).toContain('MessagesKey');
  },
);

const policies = [...ofType(service, 'AWS::IAM::Policy'), ...ofType(service, 'AWS::IAM::ManagedPolicy')];

test.each(policies)('T147 %s names every action and, but for a listed few, every resource', (_id, { Properties }) => {
  for (const { Action, Resource } of statements(Properties['PolicyDocument'])) {
    expect(list(Action).filter((action) => action.includes('*'))).toEqual([]);
    if (list(Resource).map(flat).includes('*')) {
      expect(list(Action).filter((action) => !WITHOUT_RESOURCE.includes(action))).toEqual([]);
    }
  }
});

const WITHOUT_RESOURCE = [
  'iot:RegisterCACertificate',
  'iot:RegisterCertificate',
  'iot:RegisterCertificateWithoutCA',
  'iot:ListAttachedPolicies',
  'iot:ListPrincipalThings',
  'iot:ListPrincipalThingsV2',
  'cloudhsm:DescribeBackups',
  'cloudhsm:DescribeClusters',
  'kms:DescribeCustomKeyStores',
  // Of the ceremony policy, which no function has (issuance.test.ts); a key has no ARN before it is made.
  'kms:CreateKey',
  'kms:TagResource',
];

const TABLES_OF = [
  ['register-device', { Whitelist: 'read', Owners: 'read', Devices: 'count', Ledger: 'append' }],
  ['align-broker', { Whitelist: 'read', Devices: 'write', Ledger: 'append' }],
  ['import-manifest', { Whitelist: 'write', Owners: 'read', Ledger: 'append' }],
  ['list-devices', { Whitelist: 'write', Devices: 'write', Owners: 'read', Ledger: 'append' }],
  ['claim-devices', { Whitelist: 'read', Owners: 'read', Devices: 'write', Ledger: 'append' }],
  ['change-trust', { Owners: 'write', Devices: 'write', Ledger: 'append' }],
  ['change-standing', { Whitelist: 'read', Devices: 'write', Ledger: 'append' }],
  ['approve-act', { Whitelist: 'write', Devices: 'write', Owners: 'write', Ledger: 'append' }],
  ['show-device', { Whitelist: 'read', Devices: 'read', Ledger: 'read' }],
  ['guard-deletion', { Owners: 'read' }],
  ['watch-hsm', { Owners: 'write', Ledger: 'append' }],
  ['create-authority', { Owners: 'write', Ledger: 'append' }],
  ['issue-certificate', { Whitelist: 'write', Devices: 'count', Owners: 'read', Ledger: 'append' }],
  ['confirm-certificate', { Devices: 'count', Ledger: 'append' }],
  ['push-renewals', { Devices: 'write', Ledger: 'append' }],
  ['publish-crl', { Devices: 'write', Owners: 'read', Ledger: 'append' }],
  ['watch-sessions', { Devices: 'write', Owners: 'read', Ledger: 'append' }],
] as const;

test.each(TABLES_OF)('%s is given exactly the tables it uses, in its environment and in its role', (step, tables) => {
  const variables = variablesOf(step);
  const given = Object.keys(variables).filter((name) => name.endsWith('_TABLE'));
  expect(given.toSorted()).toEqual(
    Object.keys(tables)
      .map((name) => `${name.toUpperCase()}_TABLE`)
      .toSorted(),
  );
  for (const table of ['Whitelist', 'Devices', 'Owners', 'Ledger'] as const) {
    const use = (tables as Partial<Record<string, keyof typeof USES>>)[table];
    expect(dynamodbActions(step, table), table).toEqual(use === undefined ? [] : USES[use].toSorted());
  }
});

const READS = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'];
const USES = {
  append: ['dynamodb:PutItem'],
  read: READS,
  write: [...READS, 'dynamodb:ConditionCheckItem', 'dynamodb:PutItem'],
  count: [...READS, 'dynamodb:ConditionCheckItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
};

const WORK_OF = [
  // It reads one certificate of the broker, and changes none.
  ['register-device', ['iot:DescribeCertificate', 'sqs:SendMessage', ...FED]],
  [
    'align-broker',
    [
      ...['Describe', 'Update', 'Delete'].map((verb) => `iot:${verb}Certificate`),
      ...['iot:RegisterCertificate', 'iot:RegisterCertificateWithoutCA'],
      ...['AttachPolicy', 'DetachPolicy', 'CreateThing', 'DeleteThing'].map((action) => `iot:${action}`),
      ...['AttachThingPrincipal', 'DetachThingPrincipal', 'ListAttachedPolicies'].map((action) => `iot:${action}`),
      ...['iot:ListPrincipalThings', 'iot:ListPrincipalThingsV2', 'sqs:SendMessage'],
      ...FED,
    ],
  ],
  [
    'import-manifest',
    ['s3:GetObject', 's3:GetObjectVersion', 's3:ListBucket', 's3:PutObject', 'sqs:SendMessage', ...FED],
  ],
  ['list-devices', ['s3:GetObject', 's3:GetObjectVersion', 's3:ListBucket', 's3:PutObject', 'sqs:SendMessage', ...FED]],
  ['claim-devices', ['sqs:SendMessage']],
  ['approve-act', ['sqs:SendMessage']],
  [
    'change-trust',
    ['iot:DescribeCACertificate', 'iot:RegisterCACertificate', 'iot:UpdateCACertificate', 'sqs:SendMessage', ...FED],
  ],
  ['change-standing', ['sqs:SendMessage']],
  ['show-device', ['sqs:SendMessage']],
  ['guard-deletion', ['iot:DescribeCACertificate', 'iot:ListTargetsForPolicy', 'sqs:SendMessage']],
  ['watch-hsm', ['cloudhsm:DescribeBackups', 'cloudhsm:DescribeClusters', 'sqs:SendMessage']],
  ['create-authority', ['iot:RegisterCACertificate', 'iot:UpdateCACertificate', 'sqs:SendMessage']],
  ['issue-certificate', ['iot:Publish', 'sqs:SendMessage', ...FED]],
  ['confirm-certificate', ['iot:Publish', 'sqs:SendMessage', ...FED]],
  ['push-renewals', ['iot:Publish', 'sqs:SendMessage']],
  ['publish-crl', ['s3:GetObject', 's3:GetObjectVersion', 's3:ListBucket', 's3:PutObject', 'sqs:SendMessage', ...FED]],
  ['watch-sessions', ['sqs:SendMessage', ...FED]],
] as const;

test.each(WORK_OF)('beside tables, keys and its log, %s may do exactly what its work needs', (step, actions) => {
  const others = roleOf(step)
    .flatMap(({ Action }) => list(Action))
    .filter((action) => !/^(dynamodb|kms|logs):/.test(action));
  expect([...new Set(others)].toSorted()).toEqual([...actions].toSorted());
});

test('the two tables above name every step', () => {
  expect(TABLES_OF.map(([step]) => step).toSorted()).toEqual(Object.keys(STEPS).toSorted());
  expect(WORK_OF.map(([step]) => step).toSorted()).toEqual(Object.keys(STEPS).toSorted());
});

test('T147 align-broker alone may change certificates and things at the broker', () => {
  const changes = /^iot:(Update|Delete|Attach|Detach|Create|Register)(Certificate|Policy|Thing)/;
  const able = (Object.keys(STEPS) as StepName[]).filter((step) =>
    roleOf(step).some(({ Action }) => list(Action).some((action) => changes.test(action))),
  );
  expect(able).toEqual(['align-broker']);
});

test('T147 two steps may change certificate authorities at the broker: makers and owners have one each', () => {
  const able = (Object.keys(STEPS) as StepName[]).filter((step) =>
    roleOf(step).some(({ Action }) =>
      list(Action).some((action) => action.includes('CACert') && !action.startsWith('iot:Describe')),
    ),
  );
  expect(able).toEqual(['create-authority', 'change-trust']);
});

const CLONE = '{ $.reason = "another-key" }';
const SPENT = '{ $.reason = "factory-certificate-consumed" }';
const TWO_PLACES = '{ ($.sign = "suspected") || ($.sign = "quarantined") }';

test.each([
  ['register-device', CLONE, 'clone-suspected'],
  ['register-device', SPENT, 'factory-certificate-shown'],
  ['watch-sessions', TWO_PLACES, 'sessions-alternate'],
  ['issue-certificate', '{ $.reason = "authority-ends-first" }', 'authority-ends'],
  ['change-trust', '{ $.registration = "stopped" }', 'breaker-open'],
] as const)('an alarm counts the log lines of %s with %s: %s', (step, pattern, article) => {
  const log = flat((functionOf(service, step).Properties['LoggingConfig'] as Record<string, unknown>)['LogGroup']);
  const counted = ofType(service, 'AWS::Logs::MetricFilter')
    .filter(([, { Properties }]) => flat(Properties['LogGroupName']) === log)
    .filter(([, { Properties }]) => Properties['FilterPattern'] === pattern)
    .flatMap(([, { Properties }]) => Properties['MetricTransformations'] as MetricName[])
    .map(({ MetricName, MetricNamespace }) => `${MetricNamespace} ${MetricName}`);
  const rung = alarms.filter(({ Namespace, MetricName }) =>
    counted.includes(`${String(Namespace)} ${String(MetricName)}`),
  );
  expect(rung).toMatchObject([{ Statistic: 'Sum', Threshold: 0, ComparisonOperator: 'GreaterThanThreshold' }]);
  expect(rung[0]?.['AlarmDescription']).toMatch(new RegExp(`#${article}$`));
});

interface MetricName {
  readonly MetricName: string;
  readonly MetricNamespace: string;
}

test('no two metrics of log lines have one name: an alarm would count for another', () => {
  const names = ofType(service, 'AWS::Logs::MetricFilter').flatMap(([, { Properties }]) =>
    (Properties['MetricTransformations'] as MetricName[]).map((one) => one.MetricName),
  );
  expect(new Set(names).size).toBe(names.length);
});

test('a storage key works for a role only through the service that stores', () => {
  const uses = policies
    .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']))
    .filter(({ Action }) => list(Action).some((action) => action.startsWith('kms:') && !LOOKS.includes(action)))
    // The keys of owners are no storage keys, and reached by their tags (issuance.test.ts).
    .filter(({ Condition }) => !/aws:(Resource|Request)Tag\/wardkey:/.test(JSON.stringify(Condition ?? {})))
    .filter(({ Condition }) => Condition?.['StringEquals']?.['kms:ViaService'] === undefined);
  // The event source of a queue polls with the role: CDK grants it decryption with the messages key as it is.
  for (const { Action, Resource } of uses) {
    expect(list(Action)).toEqual(['kms:Decrypt']);
    expect(flat(Resource)).toContain('MessagesKey');
  }
});

/** At key stores, and at no key in them. */
const LOOKS = ['kms:DescribeCustomKeyStores'];

test('queues refuse plain HTTP and are encrypted with the messages key', () => {
  const queues = ofType(service, 'AWS::SQS::Queue');
  const closed = ofType(service, 'AWS::SQS::QueuePolicy')
    .filter(([, { Properties }]) =>
      statements(Properties['PolicyDocument']).some(
        ({ Effect, Condition }) => Effect === 'Deny' && Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
      ),
    )
    .flatMap(([, { Properties }]) => (Properties['Queues'] as unknown[]).map(flat));
  for (const [id, { Properties }] of queues) {
    expect(closed, id).toContain(`<${id}>`);
    expect(JSON.stringify(Properties['KmsMasterKeyId']), id).toContain('MessagesKey');
  }
});

test('a message that fails comes back alone, and no queue starts more workers than its function reserves', () => {
  const sources = ofType(service, 'AWS::Lambda::EventSourceMapping');
  for (const [id, { Properties }] of sources)
    expect(Properties['FunctionResponseTypes'], id).toEqual(['ReportBatchItemFailures']);
  const workers = Map.groupBy(sources, ([, { Properties }]) => flat(Properties['FunctionName']).slice(1, -1));
  for (const [target, fed] of workers) {
    const wanted = fed.map(([, { Properties }]) => Properties['ScalingConfig'] as { MaximumConcurrency: number });
    const most = wanted.reduce((sum, { MaximumConcurrency }) => sum + MaximumConcurrency, 0);
    const reserved = Number(service[target]?.Properties['ReservedConcurrentExecutions']);
    // A schedule comes beside the queues of a function, and is not turned away for them.
    expect(most + starts(target), target).toBeLessThanOrEqual(reserved);
  }
});

/** How many schedules start this function. */
function starts(target: string): number {
  return ofType(service, 'AWS::Lambda::Permission').filter(
    ([, { Properties }]) => flat(Properties['FunctionName']) === `<${target}.Arn>`,
  ).length;
}

test('every work queue has its function, but for the orders of signatures: whoever signs is beside an HSM', () => {
  const fed = ofType(service, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) =>
    flat(Properties['EventSourceArn']),
  );
  const unfed = ofType(service, 'AWS::SQS::Queue')
    .filter(([, { Properties }]) => Properties['RedrivePolicy'] !== undefined)
    .map(([id]) => id)
    .filter((id) => !fed.includes(`<${id}.Arn>`));
  expect(unfed).toEqual([expect.stringMatching(/^IssuanceSigningOrdersQueue/)]);
  expect(new Set(fed).size).toBe(11);
});

test('a message stays hidden six times as long as its function may work, and no function takes longer', () => {
  for (const [, { Properties }] of ofType(service, 'AWS::Lambda::EventSourceMapping')) {
    const [queue] = flat(Properties['EventSourceArn']).slice(1).split('.');
    const [worker, hidden] = [
      service[flat(Properties['FunctionName']).slice(1, -1)]?.Properties['Timeout'],
      service[queue ?? '']?.Properties['VisibilityTimeout'],
    ];
    expect(hidden, queue).toBe(6 * Number(worker));
  }
});

test('one chunk is one run: a run that dies takes no other chunk with it', () => {
  const batches = ofType(service, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => {
    const target = service[flat(Properties['FunctionName']).slice(1, -1)];
    return [target?.Properties['FunctionName'], Properties['BatchSize']];
  });
  expect(batches).toContainEqual(['wardkey-list-devices', 1]);
});

test.each([
  ['import-manifest', 's3:GetObject', ['manifests/*']],
  ['import-manifest', 's3:PutObject', ['manifests/*.report', 'imports/*']],
  ['list-devices', 's3:GetObject', ['imports/*']],
  ['list-devices', 's3:PutObject', ['imports/*', 'manifests/*.report']],
  ['publish-crl', 's3:GetObject', ['revocation-lists/*']],
  ['publish-crl', 's3:PutObject', ['revocation-lists/*']],
] as const)('T147 %s may %s of %j and no other object', (step, action, objects) => {
  const resources = roleOf(step)
    .filter(({ Action }) => list(Action).includes(action))
    .flatMap(({ Resource }) => list(Resource).map((one) => flat(one).replace(/^.*?\//, '')));
  expect(resources).toEqual(expect.arrayContaining([...objects]));
  expect(resources).toHaveLength(objects.length);
});

test('T022 steps that perform acts, and no other, are told who may perform them: nobody by default', () => {
  const told = (Object.keys(STEPS) as StepName[]).filter((step) => VARIABLES.roles in variablesOf(step));
  expect(told).toEqual(['claim-devices', 'create-authority', 'change-trust', 'change-standing', 'approve-act']);
  for (const step of told) expect(variablesOf(step)[VARIABLES.roles]).toBe('{"operator":[],"approver":[]}');
});

test('T022 the principals of the parameters reach every step that performs acts', () => {
  const [operators, approvers] = ['ann', 'ben'].map((name) => `arn:aws:iam::${ACCOUNT}:user/${name}`);
  const { serviceResources } = synthesise({ operators, approvers });
  const maps = ofType(serviceResources, 'AWS::Lambda::Function').flatMap(
    ([, { Properties }]) => (Properties['Environment'] as Environment).Variables[VARIABLES.roles] ?? [],
  );
  expect(maps).toEqual(maps.map(() => JSON.stringify({ operator: [operators], approver: [approvers] })));
  expect(maps).toHaveLength(5);
});

test('an operator may invoke the functions of people, and nothing that queues or schedules start', () => {
  const invoked = managedStatements(service, 'wardkey-operator')
    .filter(({ Action }) => list(Action).includes('lambda:InvokeFunction'))
    .flatMap(({ Resource }) => list(Resource).map((one) => /^<(.*)\.Arn>$/.exec(flat(one))?.[1] ?? ''));
  const names = invoked.map((id) => service[id]?.Properties['FunctionName']);
  expect(names.toSorted()).toEqual(
    ['approve-act', 'change-standing', 'change-trust', 'claim-devices', 'create-authority', 'show-device'].map(
      (step) => `wardkey-${step}`,
    ),
  );
});

test('an operator delivers manifests and reads their reports, and can write none: claims are made by them', () => {
  const put = managedStatements(service, 'wardkey-operator')
    .filter(({ Action }) => list(Action).includes('s3:PutObject'))
    .map(({ Effect, Resource }) => [Effect, list(Resource).map((one) => flat(one).split('/').slice(1).join('/'))]);
  expect(put).toEqual([
    ['Allow', ['manifests/*']],
    ['Deny', ['manifests/*.report']],
  ]);
});

test('the runbook tells how many concurrent runs the functions reserve', () => {
  const reserved = functions.map(([, { Properties }]) => Number(Properties['ReservedConcurrentExecutions']));
  const total = reserved.reduce((sum, one) => sum + one, 0);
  const [, beside, quota, hsm] =
    /reserve (\d+) \+ `registrationConcurrency`[\s\S]*?at least (\d+)[^.]*?`hsm=true` adds (\w+) to both/.exec(
      readme,
    ) ?? [];
  expect(hsm).toBe('one');
  // 10 by default, one for CloudHSM; Lambda keeps 100.
  expect([Number(beside) + 10 + 1, Number(quota) + 1]).toEqual([total, total + 100]);
});

test('a worker that runs to its end still holds the lease of its device (60 seconds)', () => {
  for (const step of ['align-broker', 'change-trust'] as const)
    expect(Number(functionOf(service, step).Properties['Timeout']), step).toBeLessThan(60);
});

const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-'),
);

test('every function, every work queue and every queue of dead letters has an alarm', () => {
  const watched = (metric: string, dimension: string) =>
    alarms
      .filter(({ MetricName }) => MetricName === metric)
      .map(({ Dimensions }) =>
        flat((Dimensions as { Name: string; Value: unknown }[]).find(({ Name }) => Name === dimension)?.Value),
      );
  const work = ofType(service, 'AWS::SQS::Queue').filter(
    ([, { Properties }]) => Properties['RedrivePolicy'] !== undefined,
  );
  const dead = ofType(service, 'AWS::SQS::Queue').filter(
    ([, { Properties }]) => Properties['RedrivePolicy'] === undefined,
  );
  expect(watched('Errors', 'FunctionName').toSorted()).toEqual(functions.map(([id]) => `<${id}>`).toSorted());
  expect(watched('ApproximateAgeOfOldestMessage', 'QueueName').toSorted()).toEqual(
    work.map(([id]) => `<${id}.QueueName>`).toSorted(),
  );
  expect(watched('ApproximateNumberOfMessagesVisible', 'QueueName').toSorted()).toEqual(
    dead.map(([id]) => `<${id}.QueueName>`).toSorted(),
  );
});

test.each(alarms.map(({ AlarmDescription, AlarmActions }) => [AlarmDescription as string, AlarmActions] as const))(
  'the alarm "%s" goes to the topic and names an article that exists',
  (description, actions) => {
    expect(list(actions as unknown[]).map(flat)).toEqual([expect.stringMatching(/^<AlarmsTopic/)]);
    const [, anchor] = / Runbook: infra\/README\.md#([a-z-]+)$/.exec(description) ?? [];
    expect(anchors).toContain(anchor);
  },
);

test('every article of the runbook belongs to an alarm', () => {
  const articles = readme.slice(readme.indexOf('## Alarms'), readme.indexOf('## Decisions'));
  const titles = [...articles.matchAll(/^### (.*)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replaceAll(' ', '-'),
  );
  const used = alarms.map(({ AlarmDescription }) => (AlarmDescription as string).split('#')[1]);
  expect(titles.filter((title) => !used.includes(title))).toEqual([]);
});

interface Environment {
  readonly Variables: Readonly<Record<string, unknown>>;
}

function variablesOf(step: StepName): Environment['Variables'] {
  return (functionOf(service, step).Properties['Environment'] as Environment).Variables;
}

function dynamodbActions(step: StepName, table: 'Whitelist' | 'Devices' | 'Owners' | 'Ledger'): readonly string[] {
  const arn = (resource: unknown) => flat(resource).replace(/^.*ExportsOutput(FnGetAtt|Ref)/, '');
  return roleOf(step)
    .filter(({ Resource }) =>
      list(Resource).some((one) => arn(one).startsWith(table) && !flat(one).includes('/index/')),
    )
    .flatMap(({ Action }) => list(Action))
    .filter((action) => action.startsWith('dynamodb:'))
    .toSorted();
}
