// Who looks after CloudHSM, when, and who hears of it? And nobody pays for it who did not ask.
import { expect, test } from 'vitest';

import { HSM_STEPS, OUTPUTS } from '../../shared/env.ts';
import { HSM_ARTICLES } from '../../shared/governance/hsm-health.ts';
import { ACCOUNT, flat, ofType, type Resources, type Statement, statements, synthesise, template } from './synth.ts';

const without = synthesise();
const watched = synthesise({ hsm: 'true' });
const hsm = Object.fromEntries(Object.entries(watched.serviceResources).filter(([id]) => id.startsWith('Hsm')));

test('without hsm=true nothing of it is made, and nothing tells of it', () => {
  expect(Object.keys(without.serviceResources).filter((id) => id.startsWith('Hsm'))).toEqual([]);
  expect(JSON.stringify(without.serviceResources)).not.toMatch(/cloudhsm|CustomKeyStore|watch-hsm/i);
  const { Outputs = {} } = template(without.service);
  for (const step of HSM_STEPS) expect(Outputs).not.toHaveProperty(OUTPUTS.function(step));
});

test('with it everything else is as before', () => {
  const beside = Object.entries(watched.serviceResources).filter(([id]) => !id.startsWith('Hsm'));
  expect(Object.fromEntries(beside)).toEqual(without.serviceResources);
  expect(watched.trustResources).toEqual(without.trustResources);
});

test('the step runs every five minutes, one at a time, and may look at CloudHSM and key stores but change nothing there', () => {
  const [[, rule] = none()] = ofType(hsm, 'AWS::Events::Rule');
  expect(rule.Properties['ScheduleExpression']).toBe('rate(5 minutes)');
  const [[, lambda] = none()] = ofType(hsm, 'AWS::Lambda::Function');
  expect(lambda.Properties).toMatchObject({ FunctionName: 'wardkey-watch-hsm', ReservedConcurrentExecutions: 1 });
  const actions = ofType(hsm, 'AWS::IAM::Policy')
    .flatMap(([, { Properties }]) => statements(Properties['PolicyDocument']))
    .flatMap(({ Action }) => Action)
    .filter((action) => /^cloudhsm:|CustomKeyStore/.test(action));
  expect(actions.toSorted()).toEqual([
    'cloudhsm:DescribeBackups',
    'cloudhsm:DescribeClusters',
    'kms:DescribeCustomKeyStores',
  ]);
});

test('T045 only our schedule can start it, and only our schedule can fill the queue of looks that failed', () => {
  const [[, permission] = none()] = ofType(hsm, 'AWS::Lambda::Permission');
  expect(permission.Properties).toMatchObject({ Principal: 'events.amazonaws.com', SourceAccount: ACCOUNT });
  expect(flat(permission.Properties['SourceArn'])).toMatch(/^<HsmLooksRule.*\.Arn>$/);
  const [[, rule] = none()] = ofType(hsm, 'AWS::Events::Rule');
  const [target] = rule.Properties['Targets'] as { DeadLetterConfig: { Arn: unknown } }[];
  const missed = flat(target?.DeadLetterConfig.Arn);
  expect(missed).toMatch(/^<HsmLooksMissedQueue/);
  const fills = queueStatements(watched.serviceResources).filter(
    ({ Effect, Resource }) => Effect === 'Allow' && flat(Resource) === missed,
  );
  expect(fills).toMatchObject([{ Effect: 'Allow', Action: 'sqs:SendMessage' }]);
  expect(flat(fills[0]?.Condition?.['ArnEquals']?.['aws:SourceArn'])).toMatch(/^<HsmLooksRule/);
  expect(fills[0]?.Condition?.['StringEquals']).toEqual({ 'aws:SourceAccount': ACCOUNT });
});

test('each article that a finding may name has an alarm, which counts the lines that name it', () => {
  const filters = ofType(hsm, 'AWS::Logs::MetricFilter').map(([, { Properties }]) => {
    const [one] = Properties['MetricTransformations'] as { MetricName: string; MetricNamespace: string }[];
    const article = /^\{ \$\.article = "(.*)" \}$/.exec(String(Properties['FilterPattern']))?.[1] ?? '';
    return { article, metric: `${one?.MetricNamespace ?? ''} ${one?.MetricName ?? ''}` };
  });
  expect(filters.map(({ article }) => article).toSorted()).toEqual([...HSM_ARTICLES].toSorted());
  const alarms = ofType(hsm, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
  for (const { article, metric } of filters) {
    const rung = alarms.filter(({ Namespace, MetricName }) => `${String(Namespace)} ${String(MetricName)}` === metric);
    expect(rung, article).toMatchObject([
      { Period: 600, Statistic: 'Sum', Threshold: 0, TreatMissingData: 'notBreaching' },
    ]);
    expect(rung[0]?.['AlarmDescription'], article).toMatch(new RegExp(`#${article}$`));
  }
});

function queueStatements(resources: Resources): readonly Statement[] {
  return ofType(resources, 'AWS::SQS::QueuePolicy').flatMap(([, { Properties }]) =>
    statements(Properties['PolicyDocument']),
  );
}

function none(): never {
  throw new Error('expected one of this type');
}
