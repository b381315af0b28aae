// Do the two device policies allow what the table says and nothing else? Whatever a device might try, evaluated offline on
// the documents of the synthesized template.
import { describe, expect, test } from 'vitest';

import { ACTIONS, OTHER_IDS, OTHERS, OWN, RESOURCES } from './device-attempts.ts';
import { RIGHTS, type Phase } from './device-policies.table.ts';
import { readPolicy, type Connection } from './iot-policy-evaluator.ts';
import { ACCOUNT, flat, list, ofType, statements, synthesise } from './synth.ts';

const PHASES = ['registration', 'operation'] as const;
const ARN = `arn:aws:iot:eu-central-1:${ACCOUNT}:`;
const THING = '${iot:Connection.Thing.ThingName}';

const documents = documentsOf({ prefix: 'ward-7' });
const longest = documentsOf({ prefix: 'a'.repeat(21), region: 'us-gov-west-1' });

/** A session of the device whose certificate is attached to its thing, and to no other. */
const itself = sessionOf(OWN, { name: OWN, isAttached: true });

describe.each(PHASES)('the %s policy', (phase) => {
  const document = documents[phase];

  test('allows each row of the table', () => {
    const decide = readPolicy(document, itself);
    const rights = rightsIn(phase);
    expect(rights).toHaveLength({ registration: 7, operation: 15 }[phase]);
    for (const { action, resource } of rights)
      for (const named of examplesOf(resource)) expect(decide(`iot:${action}`, ARN + named), named).toBe('allowed');
  });

  test(`T055 denies everything else, on ${OTHERS} topics and client ids of other devices too`, () => {
    expect(RESOURCES.length).toBeGreaterThan(4 * OTHERS);
    expect(findExcess(document, phase)).toEqual([]);
  });

  test('T054 lets nobody connect under another client id than the name of its thing', () => {
    expect(connects(document, itself)).toBe(true);
    const attached = OTHER_IDS.map((id) => sessionOf(id, { name: OWN, isAttached: true }));
    expect(attached.filter((session) => connects(document, session))).toEqual([]);
    // Where a certificate is not attached exclusively, the broker takes the thing that is named like the client id.
    const others = OTHER_IDS.map((id) => sessionOf(id, { name: id, isAttached: false }));
    expect(others.filter((session) => connects(document, session))).toEqual([]);
  });

  test('allows nothing without a thing, nor over HTTP, where thing variables have no value', () => {
    expect(allowedTo(document, sessionOf(OWN))).toEqual([]);
  });

  test.each(['${iot:ClientId}', THING, '*', '#', '+', 'acme-P100?', 'acme-*', '$aws'])(
    'T056 allows nothing to a thing named %s: neither variable nor wildcard is read out of a name',
    (name) => {
      expect(allowedTo(document, sessionOf(OWN, { name, isAttached: true }))).toEqual([]);
      expect(allowedTo(document, sessionOf(name, { name, isAttached: true }))).toEqual([]);
    },
  );

  test('T056 reads nothing of a device but the name of its thing and whether it is attached, so no attribute', () => {
    expect(new Set(JSON.stringify(document).match(/\$\{[^}]*\}/g))).toEqual(new Set([THING]));
    const conditions = statements(document).flatMap(({ Condition = {} }) => Object.values(Condition));
    expect(conditions.flatMap(Object.keys)).toEqual(['iot:Connection.Thing.IsAttached']);
    const attributes = { ward: '${iot:ClientId}', topic: '*' };
    const session = sessionOf(OWN, { name: OWN, isAttached: true, attributes });
    expect(allowedTo(document, session)).toEqual(allowedTo(document, itself));
  });

  test('T055 has no bare wildcard, neither as an action nor as a resource', () => {
    for (const { Action, Resource } of statements(document)) {
      for (const action of list(Action)) expect(action).toMatch(/^iot:[A-Za-z]+$/);
      for (const resource of list(Resource))
        expect(String(resource).startsWith(ARN) && /^[a-z]+\/[^*?]/.test(String(resource).slice(ARN.length))).toBe(
          true,
        );
    }
  });

  test('has less than the 2,048 characters that AWS IoT Core takes, with the longest names as well', () => {
    for (const written of [document, longest[phase]])
      expect(JSON.stringify(written).replace(/\s/g, '').length).toBeLessThan(2048);
  });
});

/** Each of these must be found, or the tests above could not fail. */
describe('T054 T055 a policy is found out that', () => {
  test.each<[name: string, breakIt: (text: string) => string]>([
    ['names any device', replacing(THING, '*')],
    ['names any device by its length', replacing(THING, 'acme-P????')],
    ['names what begins like the device', replacing(THING, `${OWN}*`)],
    ['names what ends like the device', replacing(`wardkey/${THING}`, `wardkey/*${OWN}`)],
    ['allows every topic', allowing('iot:Publish', '*')],
    ['allows every action', allowing('*', `${ARN}thing/*`)],
    ['allows retained messages', allowing('iot:RetainPublish', `${ARN}topic/wardkey/*`)],
    ['allows wildcard subscriptions', allowing('iot:Subscribe', `${ARN}topicfilter/wardkey/+/*`)],
    ['allows a subscription to all of its own', allowing('iot:Subscribe', `${ARN}topicfilter/wardkey/${OWN}/#`)],
    ['allows reserved topics', allowing('iot:Publish', `${ARN}topic/?aws/things/*`)],
    ['allows its shadow', allowing('iot:UpdateThingShadow', `${ARN}thing/${OWN}`)],
    ['lets it say what the service says', allowing('iot:Publish', `${ARN}topic/wardkey/${OWN}/certificate/accepted`)],
    ['goes one level deeper', replacing('certificate/request', 'certificate/request*')],
  ])('%s', (_name, breakIt) => {
    for (const phase of PHASES) expect(findExcess(broken(phase, breakIt), phase), phase).not.toEqual([]);
  });

  test.each<[name: string, breakIt: (text: string) => string, session: Connection]>([
    [
      'trusts the client id',
      replacing('iot:Connection.Thing.ThingName', 'iot:ClientId'),
      sessionOf('acme-P1002', { name: OWN, isAttached: true }),
    ],
    [
      'does not ask whether the thing is attached',
      replacing('"Bool":{"iot:Connection.Thing.IsAttached":"true"}', ''),
      sessionOf('acme-P1002', { name: 'acme-P1002', isAttached: false }),
    ],
  ])('%s', (_name, breakIt, session) => {
    for (const phase of PHASES) expect(connects(broken(phase, breakIt), session), phase).toBe(true);
  });
});

function replacing(from: string, to: string) {
  return (text: string) => text.replaceAll(from, to);
}

function allowing(action: string, resource: string) {
  const statement = JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource });
  return (text: string) => text.replace('"Statement":[', () => `"Statement":[${statement},`);
}

function broken(phase: Phase, breakIt: (text: string) => string): unknown {
  const text = JSON.stringify(documents[phase]);
  expect(breakIt(text)).not.toBe(text);
  return JSON.parse(breakIt(text));
}

function sessionOf(clientId: string, thing?: Connection['thing']): Connection {
  const session = { clientId, certificateId: 'c'.repeat(64) };
  return thing === undefined ? session : { ...session, thing };
}

function connects(document: unknown, session: Connection): boolean {
  return readPolicy(document, session)('iot:Connect', `${ARN}client/${session.clientId}`) === 'allowed';
}

/** What is allowed to the device itself although no row of the table says so. */
function findExcess(document: unknown, phase: Phase): readonly string[] {
  const patterns = rightsIn(phase).map(({ action, resource }) => `${action} ${resource}`);
  const legal = patterns.map((text) => new RegExp(`^${text.replace('<own>', OWN).replace('<text>', '[^]*')}$`));
  return allowedTo(document, itself).filter((attempt) => !legal.some((pattern) => pattern.test(attempt)));
}

/** Action and resource of each attempt that succeeds. */
function allowedTo(document: unknown, session: Connection): readonly string[] {
  const decide = readPolicy(document, session);
  return ACTIONS.flatMap((action) =>
    RESOURCES.filter((resource) => decide(`iot:${action}`, ARN + resource) === 'allowed').map(
      (resource) => `${action} ${resource}`,
    ),
  );
}

function rightsIn(phase: Phase) {
  return RIGHTS.filter(({ phases }) => phases.includes(phase));
}

function examplesOf(resource: string): readonly string[] {
  const texts = resource.includes('<text>') ? ['vitals', 'alarms-2', 'a/b', ''] : [''];
  return texts.map((text) => resource.replace('<own>', OWN).replace('<text>', text));
}

function documentsOf(parameters: Parameters<typeof synthesise>[0]): Readonly<Record<Phase, unknown>> {
  const policies = ofType(synthesise(parameters).serviceResources, 'AWS::IoT::Policy');
  const byPhase = policies.map(([, { Properties }]) => [
    String(Properties['PolicyName']).split('-').at(-1),
    JSON.parse(textOf(Properties['PolicyDocument'])) as unknown,
  ]);
  return Object.fromEntries(byPhase) as Readonly<Record<Phase, unknown>>;
}

function textOf(document: unknown): string {
  return JSON.stringify(document, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'Fn::Join' in value ? flat(value) : value,
  );
}
