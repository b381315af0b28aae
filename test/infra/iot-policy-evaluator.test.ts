// Does the evaluator judge as AWS IoT Core says it does? Each rule of its guide in a case that comes out otherwise without it.
import { describe, expect, test } from 'vitest';

import { readPolicy, type Connection, type Thing } from './iot-policy-evaluator.ts';

const THING: Thing = { name: 'pump.1', isAttached: true, attributes: { ward: 'w7' } };
const CONNECTION: Connection = { clientId: 'client-1', certificateId: 'c0ffee', thing: THING };

interface Written {
  readonly Effect?: string;
  readonly Action?: unknown;
  readonly Resource?: unknown;
  readonly Condition?: object;
}

const statement = (given: Written) => ({ Effect: 'Allow', Action: 'iot:Publish', Resource: '*', ...given });
const policy = (...given: readonly Written[]) => ({ Version: '2012-10-17', Statement: given.map(statement) });
const decide = (document: unknown, resource: string, connection = CONNECTION) =>
  readPolicy(document, connection)('iot:Publish', resource);
const withThing = (changes: Partial<Thing>): Connection => ({ ...CONNECTION, thing: { ...THING, ...changes } });

describe('Allow and Deny', () => {
  const allow: Written = { Resource: 'topic/a' };
  const deny: Written = { Effect: 'Deny', Resource: 'topic/*' };

  test('what no statement names is denied', () => {
    expect(decide(policy(), 'topic/a')).toBe('denied');
    expect(decide(policy(allow), 'topic/b')).toBe('denied');
    expect(decide(policy(allow), 'topic/a')).toBe('allowed');
  });

  test('a Deny wins over an Allow, whichever comes first', () => {
    expect(decide(policy(allow, deny), 'topic/a')).toBe('denied');
    expect(decide(policy(deny, allow), 'topic/a')).toBe('denied');
  });

  test('a Deny that matches nothing denies nothing', () => {
    expect(decide(policy(allow, { ...deny, Action: 'iot:Receive' }), 'topic/a')).toBe('allowed');
    expect(decide(policy(allow, { ...deny, Condition: attached('false') }), 'topic/a')).toBe('allowed');
    expect(decide(policy(allow, { ...deny, Condition: attached('true') }), 'topic/a')).toBe('denied');
  });
});

test.each([
  ['iot:Publish', 'iot:Publish', 'allowed'],
  ['iot:Publish', 'iot:RetainPublish', 'denied'],
  ['iot:Publish', 'iot:PublishX', 'denied'],
  [['iot:Receive', 'iot:Publish'], 'iot:Publish', 'allowed'],
  ['iot:*', 'iot:Subscribe', 'allowed'],
  ['*', 'iot:Subscribe', 'allowed'],
  ['iot:P*', 'iot:Subscribe', 'denied'],
])('an action: a statement about %j, asked about %s, says %s', (Action, asked, said) => {
  expect(readPolicy(policy({ Action }), CONNECTION)(asked, 'topic/a')).toBe(said);
});

test.each([
  ['topic/a', 'topic/a', 'allowed'],
  ['topic/a', 'topic/a/b', 'denied'],
  ['topic/a', 'x/topic/a', 'denied'],
  ['topic/a', 'topicfilter/a', 'denied'],
  [['topic/a', 'topic/b'], 'topic/b', 'allowed'],
  // `*` knows no levels, and no text is text.
  ['topic/a/*', 'topic/a/b/c', 'allowed'],
  ['topic/a/*', 'topic/a/', 'allowed'],
  ['topic/a/*', 'topic/a', 'denied'],
  ['topic/a/*', 'topic/a/line\nbreak', 'allowed'],
  ['topic/*/c', 'topic/a/b/c', 'allowed'],
  ['topic/a?', 'topic/ab', 'allowed'],
  ['topic/a?', 'topic/a', 'denied'],
  ['topic/a?', 'topic/abc', 'denied'],
  // The wildcards of MQTT are only themselves, and nothing is a regular expression.
  ['topicfilter/a/#', 'topicfilter/a/#', 'allowed'],
  ['topicfilter/a/#', 'topicfilter/a/b', 'denied'],
  ['topicfilter/+/b', 'topicfilter/a/b', 'denied'],
  ['topicfilter/a*', 'topicfilter/a/#', 'allowed'],
  ['topic/a.c', 'topic/abc', 'denied'],
])('a resource: a statement about %j, asked about %j, says %s', (Resource, asked, said) => {
  expect(decide(policy({ Resource }), asked)).toBe(said);
});

describe('a variable', () => {
  test.each([
    ['${iot:ClientId}', 'client-1'],
    ['${iot:CertificateId}', 'c0ffee'],
    ['${iot:Connection.Thing.ThingName}', 'pump.1'],
    ['${iot:Connection.Thing.Attributes[ward]}', 'w7'],
    ['${iot:Connection.Thing.ThingName}/${iot:ClientId}', 'pump.1/client-1'],
  ])('%s is filled in', (text, value) => {
    expect(decide(policy({ Resource: `topic/${text}/a` }), `topic/${value}/a`)).toBe('allowed');
    expect(decide(policy({ Resource: `topic/${text}/a` }), 'topic/other/a')).toBe('denied');
  });

  const byThing = policy({ Resource: 'topic/${iot:Connection.Thing.ThingName}' });
  const byWard = policy({ Resource: 'topic/${iot:Connection.Thing.Attributes[ward]}' });
  const { thing: _none, ...withoutThing } = CONNECTION;

  test('that has no value matches nothing, not even nothing and not even its own text', () => {
    for (const asked of ['topic/', 'topic/undefined', 'topic/${iot:Connection.Thing.ThingName}', 'topic/client-1'])
      expect(decide(byThing, asked, withoutThing)).toBe('denied');
    expect(decide(byWard, 'topic/undefined', withThing({ attributes: {} }))).toBe('denied');
  });

  test.each(['*', '$', '+', '?', '#'])('T056 whose value holds %s is not filled in', (character) => {
    const name = `a${character}b`;
    for (const asked of ['topic/a', 'topic/aXb', `topic/${name}`])
      expect(decide(byThing, asked, withThing({ name })), asked).toBe('denied');
  });

  test('T056 whose value is the text of a variable is never expanded a second time', () => {
    const connection = withThing({ attributes: { ward: '${iot:ClientId}' } });
    for (const asked of ['topic/client-1', 'topic/${iot:ClientId}', 'topic/pump.1'])
      expect(decide(byWard, asked, connection), asked).toBe('denied');
  });

  test('fills in text and no pattern', () => {
    expect(decide(byThing, 'topic/pumpX1')).toBe('denied');
    expect(decide(byThing, 'topic/pump.1')).toBe('allowed');
  });

  test.each([
    [1024, 'allowed'],
    [1025, 'denied'],
  ])('of %i characters: %s', (length, said) => {
    const name = 'a'.repeat(length);
    expect(decide(byThing, `topic/${name}`, withThing({ name }))).toBe(said);
  });
});

function attached(value: unknown) {
  return { Bool: { 'iot:Connection.Thing.IsAttached': value } };
}

describe('a condition', () => {
  test.each<[name: string, condition: object, connection: Connection, said: string]>([
    ['holds', attached('true'), CONNECTION, 'allowed'],
    ['does not hold', attached('true'), withThing({ isAttached: false }), 'denied'],
    ['is about a key without a value', attached('true'), { clientId: 'a', certificateId: 'b' }, 'denied'],
    ['wants the opposite of a key without a value', attached('false'), { clientId: 'a', certificateId: 'b' }, 'denied'],
    ['lists values of which one holds', attached(['false', 'true']), CONNECTION, 'allowed'],
    ['has two operators of which one fails', { ...attached('true'), ...named('other') }, CONNECTION, 'denied'],
    ['has two operators that both hold', { ...attached('true'), ...named('client-1') }, CONNECTION, 'allowed'],
  ])('that %s', (_name, Condition, connection, said) => {
    expect(decide(policy({ Condition }), 'topic/a', connection)).toBe(said);
  });
});

function named(clientId: string) {
  return { StringEquals: { 'iot:ClientId': clientId } };
}

describe('what it does not know it does not judge:', () => {
  test.each<[name: string, document: unknown]>([
    ['another version', { ...policy({}), Version: '2008-10-17' }],
    ['no version', { Statement: [] }],
    ['one statement without a list', { Version: '2012-10-17', Statement: statement({}) }],
    ['an unknown member of the policy', { ...policy({}), Id: 'a' }],
    ['NotAction', policy({ NotAction: 'iot:Connect' } as Written)],
    ['NotResource', policy({ NotResource: 'topic/a' } as Written)],
    ['an effect that is neither', policy({ Effect: 'allow' })],
    ['a resource that is no text', policy({ Resource: { Ref: 'Thing' } })],
    ['no resource', policy({ Resource: undefined })],
    ['an action without text', policy({ Action: [''] })],
    ['an unknown variable', policy({ Resource: '${iot:Connection.Thing.Nickname}' })],
    ['a variable in an action', policy({ Action: '${iot:ClientId}' })],
    ['an escape', policy({ Resource: 'topic/$(*)' })],
    ['an unknown operator', policy({ Condition: { StringLike: { 'iot:ClientId': '*' } } })],
    ['an operator of many values', policy({ Condition: { 'ForAllValues:StringEquals': { 'iot:ClientId': 'a' } } })],
    ['an unknown key', policy({ Condition: { Bool: { 'aws:SecureTransport': 'true' } } })],
    ['a variable in a condition', policy({ Condition: { StringEquals: { 'iot:ClientId': '${iot:CertificateId}' } } })],
    ['a value that is no text', policy({ Condition: attached(true) })],
  ])('%s', (_name, document) => {
    expect(() => readPolicy(document, CONNECTION)).toThrow(TypeError);
  });
});
