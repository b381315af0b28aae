// The registry on Amazon DynamoDB: strong reads, and writes that compare. Decides nothing.
import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
  type DynamoDBDocumentClient,
  type QueryCommandInput,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';

import { PENDING_INDEX, TABLE_KEY } from '../env.ts';
import { Fault } from '../outcome.ts';
import type { Attributes, Change, Registry, RowKey, TableName } from '../ports.ts';

/** Names of the tables that this function may use; asking for another is a fault. */
export type Tables = Readonly<Partial<Record<TableName, string>>>;

type WriteItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** All pending rows in one partition of the index: onboarding is bound by IoT quotas far below what one carries. */
const PENDING = { devices: 'pending', certificates: 'pending-certificates' } as const;
const READ_ATTEMPTS = 5;
const WRITE_ATTEMPTS = 4;
/** Reasons that say nothing about the comparison: another transaction held the row, or DynamoDB was busy. */
const TRANSIENT = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

export function dynamodbRegistry(client: DynamoDBDocumentClient, tables: Tables): Registry {
  return {
    read: (keys) => readRows(client, tables, keys),
    list: (table, pk, prefix) =>
      queryAll(client, {
        TableName: tableName(tables, table),
        ConsistentRead: true,
        KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': pk, ...(prefix === '' ? {} : { ':prefix': prefix }) },
      }),
    commit: (changes) => commit(client, tables, changes),
    countRepeat: (key) => countRepeat(client, tables, key),
    pendingAlignments: (before, limit) => pendingAlignments(client, tables, { before, limit }),
  };
}

async function readRows(
  client: DynamoDBDocumentClient,
  tables: Tables,
  keys: readonly RowKey[],
): Promise<readonly (Attributes | undefined)[]> {
  const found = new Map<string, Attributes>();
  let request = requestItems(tables, keys);
  for (let attempt = 0; Object.keys(request).length > 0; attempt += 1) {
    if (attempt === READ_ATTEMPTS) throw new Fault('answer-malformed', 'DynamoDB left keys unprocessed');
    if (attempt > 0) await pause(attempt);
    const answer = await client.send(new BatchGetCommand({ RequestItems: request }));
    for (const [table, rows] of Object.entries(answer.Responses ?? {})) {
      for (const row of rows) found.set(place(table, row as unknown as Pick<RowKey, 'pk' | 'sk'>), attributesOf(row));
    }
    request = (answer.UnprocessedKeys ?? {}) as typeof request;
  }
  return keys.map((key) => found.get(place(tableName(tables, key.table), key)));
}

function requestItems(tables: Tables, keys: readonly RowKey[]) {
  const request: Record<string, { ConsistentRead: true; Keys: { pk: string; sk: string }[] }> = {};
  for (const { table, pk, sk } of keys) {
    const items = (request[tableName(tables, table)] ??= { ConsistentRead: true, Keys: [] });
    items.Keys.push({ pk, sk });
  }
  return request;
}

type SortedRow = Attributes & { readonly sk: string };

async function queryAll(client: DynamoDBDocumentClient, query: QueryCommandInput): Promise<SortedRow[]> {
  const rows: SortedRow[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await client.send(new QueryCommand({ ...query, ExclusiveStartKey: from }));
    for (const row of page.Items ?? []) rows.push({ ...attributesOf(row), sk: String(row[TABLE_KEY.sortKey]) });
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return rows;
}

// The SDK sends one ClientRequestToken per call and repeats it when it retries: an answer that was lost is found again.
async function commit(client: DynamoDBDocumentClient, tables: Tables, changes: readonly Change[]) {
  const TransactItems = changes.map((change) => writeItem(tables, change));
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.send(new TransactWriteCommand({ TransactItems }));
      return 'committed';
    } catch (error) {
      const codes =
        error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []).map(({ Code }) => Code) : [];
      if (codes.includes('ConditionalCheckFailed')) return 'lost';
      // The SDK does not retry a conflict that comes inside a cancelled transaction.
      if (attempt === WRITE_ATTEMPTS || !codes.some((code) => TRANSIENT.has(code ?? ''))) throw error;
      await pause(attempt);
    }
  }
}

function writeItem(tables: Tables, change: Change): WriteItem {
  if ('create' in change) {
    const { table, pk, sk } = change.create;
    const Item = itemOf({ pk, sk }, change.row);
    return { Put: { TableName: tableName(tables, table), Item, ConditionExpression: 'attribute_not_exists(pk)' } };
  }
  const { table, pk, sk } = change.replace;
  return {
    Put: {
      TableName: tableName(tables, table),
      Item: itemOf({ pk, sk }, change.next),
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':version': change.previous.version },
    },
  };
}

/** What the caller wrote: without the key, and without the member that only the index needs. */
function attributesOf(row: Readonly<Record<string, unknown>>): Attributes {
  const added: readonly string[] = [TABLE_KEY.partitionKey, TABLE_KEY.sortKey, PENDING_INDEX.partitionKey];
  return Object.fromEntries(Object.entries(row).filter(([name]) => !added.includes(name)));
}

function itemOf(key: Pick<RowKey, 'pk' | 'sk'>, row: object) {
  const pending = PENDING_INDEX.sortKey in row ? { [PENDING_INDEX.partitionKey]: shardOf(key.pk) } : {};
  return { ...row, ...pending, ...key };
}

async function countRepeat(client: DynamoDBDocumentClient, tables: Tables, { table, pk, sk }: RowKey) {
  try {
    await client.send(
      new UpdateCommand({
        TableName: tableName(tables, table),
        Key: { pk, sk },
        UpdateExpression: 'ADD repeats :one',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':one': 1 },
      }),
    );
    return 'counted';
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'absent';
    throw error;
  }
}

interface PendingQuery {
  readonly before: string;
  readonly limit: number;
}

/** Devices and authorities first: certificates that wait for nobody must not hide a device that waits for us. */
async function pendingAlignments(client: DynamoDBDocumentClient, tables: Tables, query: PendingQuery) {
  const devices = await queryPending(client, tables, { ...query, shard: PENDING.devices });
  const limit = query.limit - devices.length;
  if (limit <= 0) return devices;
  return [...devices, ...(await queryPending(client, tables, { ...query, limit, shard: PENDING.certificates }))];
}

interface ShardQuery extends PendingQuery {
  readonly shard: string;
}

async function queryPending(client: DynamoDBDocumentClient, tables: Tables, { shard, before, limit }: ShardQuery) {
  const page = await client.send(
    new QueryCommand({
      TableName: tableName(tables, 'devices'),
      IndexName: PENDING_INDEX.name,
      KeyConditionExpression: '#shard = :shard AND #since <= :before',
      ExpressionAttributeNames: { '#shard': PENDING_INDEX.partitionKey, '#since': PENDING_INDEX.sortKey },
      ExpressionAttributeValues: { ':shard': shard, ':before': before },
      Limit: limit,
    }),
  );
  return (page.Items ?? []).map(({ pk, sk }) => ({ table: 'devices' as const, pk: String(pk), sk: String(sk) }));
}

function shardOf(pk: string): string {
  return pk.startsWith('certificate#') ? PENDING.certificates : PENDING.devices;
}

function tableName(tables: Tables, table: TableName): string {
  const name = tables[table];
  if (name === undefined) throw new Fault('environment-incomplete', `this function was given no table "${table}"`);
  return name;
}

function place(table: string, { pk, sk }: Pick<RowKey, 'pk' | 'sk'>): string {
  return JSON.stringify([table, pk, sk]);
}

function pause(attempt: number): Promise<void> {
  const longest = 50 * 2 ** attempt;
  return new Promise((resolve) => setTimeout(resolve, longest / 2 + Math.random() * (longest / 2)));
}
