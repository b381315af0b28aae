// What does the registry do when DynamoDB is busy, or an answer is lost? It asks again, a bounded number of times, and
// never takes "busy" for "lost". Answers are injected below the SDK: no DynamoDB for development raises a conflict.
import { Readable } from 'node:stream';

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import type { Registry } from '../../../shared/ports.ts';

type Answer = { readonly status: number; readonly body: object } | Error;
interface Asked {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const KEYS = ['a', 'b'].map((name) => ({ table: 'devices', pk: `device#${name}`, sk: 'row' }) as const);
const [A, B] = KEYS.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
const CREATE = KEYS.map((create) => ({ create, row: { version: 1 } }));
const OK: Answer = { status: 200, body: {} };

let registry: Registry;
let asked: Asked[];
let answers: Answer[];
let pauses: number[];

beforeEach(() => {
  asked = [];
  pauses = [];
  vi.stubGlobal('setTimeout', (run: () => void, milliseconds: number) => {
    pauses.push(milliseconds);
    return setImmediate(run);
  });
  const client = new DynamoDBClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: { handle: (request: Parameters<typeof answerOne>[0]) => answerOne(request) },
  });
  registry = dynamodbRegistry(DynamoDBDocumentClient.from(client), { devices: 'Devices' });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

/** The last answer is given for ever. */
function answerOne({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) {
  const operation = headers['x-amz-target']?.split('.')[1] ?? '';
  asked.push({ operation, input: JSON.parse(new TextDecoder().decode(body)) as Asked['input'] });
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  if (answer === undefined || answer instanceof Error) return Promise.reject(answer ?? new Error('no answer'));
  const json = { 'content-type': 'application/x-amz-json-1.0' };
  const response = { statusCode: answer.status, headers: json, body: Readable.from([JSON.stringify(answer.body)]) };
  return Promise.resolve({ response });
}

function failure(name: string, members: object = {}): Answer {
  return {
    status: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'told to fail', ...members },
  };
}

function cancelled(...codes: string[]): Answer {
  return failure('TransactionCanceledException', { CancellationReasons: codes.map((Code) => ({ Code })) });
}

describe('commit', () => {
  test.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'F10 tries again when a change was cancelled for %s, which says nothing about the comparison',
    async (code) => {
      answers = [cancelled('None', code), cancelled(code, 'None'), OK];
      expect(await registry.commit(CREATE)).toBe('committed');
      expect(asked.map(({ operation }) => operation)).toEqual(Array(3).fill('TransactWriteItems'));
    },
  );

  test.each(['TransactionConflict', 'ThrottlingError'])(
    'F10 gives up after four attempts with %s, by a throw',
    async (code) => {
      answers = [cancelled(code, 'None')];
      await expect(registry.commit(CREATE)).rejects.toMatchObject({ name: 'TransactionCanceledException' });
      expect(asked).toHaveLength(4);
    },
  );

  test('F10 waits before each attempt, longer each time, less than a second in all', async () => {
    answers = [cancelled('TransactionConflict', 'None')];
    await registry.commit(CREATE).catch(() => undefined);
    const ours = pauses.filter((milliseconds) => milliseconds >= 50);
    expect(ours).toHaveLength(3);
    expect([...ours].sort((a, b) => a - b)).toEqual(ours);
    expect(ours.reduce((sum, milliseconds) => sum + milliseconds, 0)).toBeLessThan(1000);
  });

  test('a failed comparison is lost at once, even beside a conflict', async () => {
    answers = [cancelled('ConditionalCheckFailed', 'TransactionConflict')];
    expect(await registry.commit(CREATE)).toBe('lost');
    expect(asked).toHaveLength(1);
  });

  test.each(['ValidationError', 'ItemCollectionSizeLimitExceeded', 'SomethingNew'])(
    'a change that was cancelled for %s is neither lost nor tried again',
    async (code) => {
      answers = [cancelled('None', code)];
      await expect(registry.commit(CREATE)).rejects.toThrow();
      expect(asked).toHaveLength(1);
    },
  );

  test.each<[string, Answer]>([
    ['the answer was lost', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' })],
    ['the first attempt is still in progress', failure('TransactionInProgressException')],
  ])('F10 asks again under the same token when %s, so that it is done once', async (_title, first) => {
    answers = [first, OK];
    expect(await registry.commit(CREATE)).toBe('committed');
    const tokens = asked.map(({ input }) => input['ClientRequestToken']);
    expect(tokens).toHaveLength(2);
    expect(tokens[0]).toMatch(/./);
    expect(tokens[1]).toBe(tokens[0]);
  });
});

describe('read', () => {
  const answer = (rows: unknown[], left: unknown[]): Answer => ({
    status: 200,
    body: {
      Responses: { Devices: rows },
      UnprocessedKeys: left.length === 0 ? {} : { Devices: { ConsistentRead: true, Keys: left } },
    },
  });

  test('F12 asks again for the keys that were left unprocessed, and only for those', async () => {
    answers = [answer([{ ...B, is: { S: 'b' } }], [A]), answer([{ ...A, is: { S: 'a' } }], [])];
    expect(await registry.read(KEYS)).toEqual([{ is: 'a' }, { is: 'b' }]);
    expect(asked.map(({ input }) => input['RequestItems'])).toEqual([
      { Devices: { ConsistentRead: true, Keys: [A, B] } },
      { Devices: { ConsistentRead: true, Keys: [A] } },
    ]);
  });

  test('F12 a row that stays unprocessed is a fault after five attempts, never an absent row', async () => {
    answers = [answer([{ ...B }], [A])];
    await expect(registry.read(KEYS)).rejects.toMatchObject({ name: 'Fault', code: 'answer-malformed' });
    expect(asked).toHaveLength(5);
  });

  test('asks for no table that this function was not given', async () => {
    answers = [OK];
    await expect(registry.read([{ table: 'ledger', pk: 'x', sk: 'x' }])).rejects.toMatchObject({
      code: 'environment-incomplete',
    });
    expect(asked).toEqual([]);
  });
});

describe('countRepeat', () => {
  const [key] = KEYS;
  if (key === undefined) throw new Error('expected a key');

  test('adds one to a row that is there, and to no other', async () => {
    answers = [OK];
    expect(await registry.countRepeat(key)).toBe('counted');
    expect(asked).toMatchObject([
      { operation: 'UpdateItem', input: { Key: A, ConditionExpression: 'attribute_exists(pk)' } },
    ]);
  });

  test('says absent only of a row that is not there', async () => {
    answers = [failure('ConditionalCheckFailedException')];
    expect(await registry.countRepeat(key)).toBe('absent');
    answers = [failure('ValidationException')];
    await expect(registry.countRepeat(key)).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

describe('list', () => {
  test('goes on where a page ended, and reads every page strongly', async () => {
    const page = (name: string, more: object): Answer => ({
      status: 200,
      body: { Items: [{ pk: { S: 'p' }, sk: { S: name } }], ...more },
    });
    answers = [page('1', { LastEvaluatedKey: A }), page('2', {})];
    expect(await registry.list('devices', 'p', '')).toEqual([{ sk: '1' }, { sk: '2' }]);
    expect(asked.map(({ input }) => input['ConsistentRead'])).toEqual([true, true]);
    expect(asked.map(({ input }) => input['ExclusiveStartKey'])).toEqual([undefined, A]);
  });
});
