// What do AWS Lambda, the queue and the log see of a step? Answers and codes, never the event and never internals.
import type { Context, SQSEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { handleInvocation, handleQueue } from '../../functions/handle.ts';
import { done, Fault, refused, type Outcome } from '../../shared/outcome.ts';

const CANARY = 'canary-5150-patient-key';
const ARN = 'arn:aws:lambda:eu-central-1:123456789012:function:wardkey-step';
const CONTEXT = { awsRequestId: 'request-1', invokedFunctionArn: ARN } as Context;
const REFUSAL = refused({ reason: 'request-malformed', problem: CANARY });

let logged: string[];

beforeEach(() => {
  logged = [];
  const keep = (chunk: unknown) => logged.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a function that is invoked', () => {
  test('answers with the outcome, and is told its request id and its own ARN', async () => {
    const calls: unknown[] = [];
    const handler = handleInvocation('show-device', (event, call) => Promise.resolve(done(calls.push([event, call]))));
    expect(await handler({ subject: 'acme-P1001' }, CONTEXT)).toEqual(done(1));
    expect(calls).toEqual([[{ subject: 'acme-P1001' }, { requestId: 'request-1', functionArn: ARN }]]);
  });

  test('is told the same ARN under every version and alias: an act is for a function, not for a version of it', async () => {
    const arns: string[] = [];
    const handler = handleInvocation('show-device', (_event, { functionArn }) =>
      Promise.resolve(done(arns.push(functionArn))),
    );
    for (const qualifier of ['', ':7', ':live', ':$LATEST'])
      await handler({}, { ...CONTEXT, invokedFunctionArn: ARN + qualifier });
    expect(arns).toEqual([ARN, ARN, ARN, ARN]);
  });

  test('answers a refusal as a value', async () => {
    expect(await handleInvocation('show-device', () => Promise.resolve(REFUSAL))({}, CONTEXT)).toBe(REFUSAL);
  });

  test.each<[name: string, thrown: Error, said: string]>([
    [
      'a fault',
      new Fault('row-malformed', `arn:aws:dynamodb:::table/${CANARY}`, { cause: new Error(CANARY) }),
      'Fault.row-malformed',
    ],
    ['anything else', new TypeError(`cannot read "${CANARY}"`), 'Fault.unexpected'],
  ])('T146 fails for %s with a code and the request id, and hides the rest', async (_name, thrown, said) => {
    const handler = handleInvocation('show-device', () => Promise.reject(thrown));
    const failure: unknown = await handler({}, CONTEXT).catch((error: unknown) => error);
    if (!(failure instanceof Error)) throw new Error('expected an error');
    expect([failure.name, failure.message]).toEqual([said, 'fault; request id request-1']);
    expect(failure.cause).toBeUndefined();
    expect(failure.stack).not.toContain(CANARY);
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain(CANARY);
  });
});

describe('a function behind a queue', () => {
  const answers: Readonly<Record<string, () => Promise<Outcome<unknown>>>> = {
    done: () => Promise.resolve(done('value')),
    refused: () => Promise.resolve(REFUSAL),
    fault: () => Promise.reject(new Fault('comparison-lost', 'others were faster')),
    error: () => Promise.reject(new TypeError(CANARY)),
  };
  const handler = handleQueue('register-device', (body) => answers[body]?.() ?? Promise.reject(new Error(body)));

  test.each<[bodies: readonly string[], failed: readonly string[]]>([
    [['done'], []],
    [['refused'], []],
    [['fault'], ['m0']],
    [
      ['done', 'fault', 'refused', 'error', 'done'],
      ['m1', 'm3'],
    ],
    [
      ['fault', 'error'],
      ['m0', 'm1'],
    ],
  ])('F22 ends what was answered and leaves only faults to be tried again: %j', async (bodies, failed) => {
    const { batchItemFailures } = await handler(batch(bodies), CONTEXT);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(failed);
  });

  test('gives each message its own id as the request id', async () => {
    const ids: string[] = [];
    const counting = handleQueue('register-device', (_body, { requestId }) =>
      Promise.resolve(done(ids.push(requestId))),
    );
    await counting(batch(['a', 'b']), CONTEXT);
    expect(ids.sort()).toEqual(['m0', 'm1']);
  });
});

describe('the log', () => {
  test('T103 has one line for an answer, without anything of the event or the answer', async () => {
    await handleInvocation('show-device', () => Promise.resolve(REFUSAL))({ subject: CANARY, token: CANARY }, CONTEXT);
    await handleInvocation('show-device', () => Promise.resolve(done(CANARY)))({ subject: CANARY }, CONTEXT);
    expect(lines()).toMatchObject([
      {
        level: 'INFO',
        service: 'show-device',
        message: 'refused',
        reason: 'request-malformed',
        requestId: 'request-1',
      },
      { level: 'INFO', service: 'show-device', message: 'done', requestId: 'request-1' },
    ]);
    expect(logged.join('')).not.toContain(CANARY);
  });

  test('T103 has one line for each message, without anything of it', async () => {
    const handler = handleQueue('register-device', (body) =>
      body === CANARY ? Promise.reject(new Error(body)) : Promise.resolve(done(body)),
    );
    await handler(batch([CANARY, `${CANARY} too`]), CONTEXT);
    expect(lines().map(({ level, requestId }) => [level, requestId])).toEqual(
      expect.arrayContaining([
        ['ERROR', 'm0'],
        ['INFO', 'm1'],
      ]),
    );
    expect(lines()).toHaveLength(2);
    expect(logged.join('')).not.toContain(CANARY);
  });

  test('says of an answer what the step tells, for alarms to count, and of a refusal its reason alone', async () => {
    const tell = ({ verdict }: { readonly verdict: string }) => ({ verdict });
    const run = (body: string) => Promise.resolve(body === 'no' ? REFUSAL : done({ verdict: body, device: CANARY }));
    await handleQueue('register-device', run, tell)(batch(['admitted', 'no']), CONTEXT);
    expect(lines().map(({ message, verdict, reason }) => [message, verdict, reason])).toEqual(
      expect.arrayContaining([
        ['done', 'admitted', undefined],
        ['refused', undefined, 'request-malformed'],
      ]),
    );
    expect(logged.join('')).not.toContain(CANARY);
  });

  test('tells a list in a line each, with the request id on every one', async () => {
    const run = () => Promise.resolve(done(CANARY));
    const tell = () => [{ finding: 'one' }, { finding: 'two' }] as const;
    await handleInvocation('watch-hsm', run, tell)({}, CONTEXT);
    expect(lines().map(({ message, finding, requestId }) => [message, finding, requestId])).toEqual([
      ['done', 'one', 'request-1'],
      ['done', 'two', 'request-1'],
    ]);
    expect(logged.join('')).not.toContain(CANARY);
  });

  test('says nothing of an answer where the step tells nothing', async () => {
    await handleQueue('register-device', () => Promise.resolve(done({ verdict: 'admitted' })))(batch(['a']), CONTEXT);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).not.toHaveProperty('verdict');
  });

  test('names the code and the problem of our own faults, and of others only what kind they are', async () => {
    const own = new Fault('row-malformed', 'whitelist row', { cause: new RangeError(CANARY) });
    await handleInvocation('show-device', () => Promise.reject(own))({}, CONTEXT).catch(() => undefined);
    await handleInvocation('show-device', () => Promise.reject(new TypeError(CANARY)))({}, CONTEXT).catch(
      () => undefined,
    );
    expect(lines()).toMatchObject([
      { level: 'ERROR', message: 'fault', code: 'row-malformed', problem: 'whitelist row', cause: 'RangeError' },
      { level: 'ERROR', message: 'fault', code: 'unexpected', problem: 'TypeError' },
    ]);
    expect(logged.join('')).not.toContain(CANARY);
  });
});

function lines(): readonly Readonly<Record<string, unknown>>[] {
  return logged.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

function batch(bodies: readonly string[]): SQSEvent {
  const record = (body: string, index: number) => ({ body, messageId: `m${index}`, eventSource: 'aws:sqs' });
  return { Records: bodies.map(record) } as unknown as SQSEvent;
}
