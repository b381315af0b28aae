// Which DynamoDB do the fast contract tests use? dynoxide: one process, in memory, on a free loopback port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

import { dynamodbRegistry } from '../../shared/aws/dynamodb-registry.ts';
import { PENDING_INDEX, TABLE_KEY } from '../../shared/env.ts';
import type { Registry } from '../../shared/ports.ts';

const TABLES = { whitelist: 'whitelist', devices: 'devices', owners: 'owners', ledger: 'ledger' } as const;
const ATTEMPTS = 200;

export interface Dynoxide {
  readonly registry: Registry;
  stop(): Promise<void>;
}

/** A registry on empty tables, as the stage makes them. */
export async function startDynoxide(): Promise<Dynoxide> {
  const program = createRequire(import.meta.url).resolve('@dynoxide/linux-x64/dynoxide');
  const port = await freePort();
  const server = spawn(program, ['serve', '--port', String(port)], { stdio: 'ignore' });
  const low = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await untilReady(port);
  for (const table of Object.values(TABLES)) await createTable(low, table);
  const client = DynamoDBDocumentClient.from(low, { marshallOptions: { removeUndefinedValues: true } });
  return {
    registry: dynamodbRegistry(client, TABLES),
    async stop() {
      low.destroy();
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

async function createTable(client: DynamoDBClient, TableName: string): Promise<void> {
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
  const indexed = [text(PENDING_INDEX.partitionKey), text(PENDING_INDEX.sortKey)];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keys(TABLE_KEY),
      ...(TableName === TABLES.devices
        ? { AttributeDefinitions: [...own, ...indexed], GlobalSecondaryIndexes: [index] }
        : { AttributeDefinitions: own }),
    }),
  );
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function untilReady(port: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return;
    } catch {
      await sleep(25);
    }
  }
  throw new Error('dynoxide does not answer');
}
