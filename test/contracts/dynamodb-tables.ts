// Which tables does the registry contract run on? Empty ones, with the keys and the index that the stage gives them.
import { CreateTableCommand, DeleteTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

import { dynamodbRegistry } from '../../shared/aws/dynamodb-registry.ts';
import { PENDING_INDEX, TABLE_KEY } from '../../shared/env.ts';
import type { Registry, TableName } from '../../shared/ports.ts';

export type TableNames = Readonly<Record<TableName, string>>;

export function namedTables(prefix: string): TableNames {
  const name = (table: TableName) => `${prefix}-${table}`;
  return { whitelist: name('whitelist'), devices: name('devices'), owners: name('owners'), ledger: name('ledger') };
}

/** A registry on these tables, made now. */
export async function createRegistry(low: DynamoDBClient, tables: TableNames): Promise<Registry> {
  for (const [table, name] of Object.entries(tables)) await createTable(low, name, table === 'devices');
  const client = DynamoDBDocumentClient.from(low, { marshallOptions: { removeUndefinedValues: true } });
  return dynamodbRegistry(client, tables);
}

export async function dropTables(low: DynamoDBClient, tables: TableNames): Promise<void> {
  for (const TableName of Object.values(tables)) await low.send(new DeleteTableCommand({ TableName }));
}

async function createTable(client: DynamoDBClient, TableName: string, indexed: boolean): Promise<void> {
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' }) as const;
  const keys = ({ partitionKey, sortKey }: { partitionKey: string; sortKey: string }) => [
    { AttributeName: partitionKey, KeyType: 'HASH' } as const,
    { AttributeName: sortKey, KeyType: 'RANGE' } as const,
  ];
  const index = {
    IndexName: PENDING_INDEX.name,
    KeySchema: keys(PENDING_INDEX),
    Projection: { ProjectionType: 'KEYS_ONLY' } as const,
  };
  const own = [text(TABLE_KEY.partitionKey), text(TABLE_KEY.sortKey)];
  const ofIndex = [text(PENDING_INDEX.partitionKey), text(PENDING_INDEX.sortKey)];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keys(TABLE_KEY),
      ...(indexed
        ? { AttributeDefinitions: [...own, ...ofIndex], GlobalSecondaryIndexes: [index] }
        : { AttributeDefinitions: own }),
    }),
  );
}
