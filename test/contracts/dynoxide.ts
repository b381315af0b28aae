// Which DynamoDB do the fast contract tests use? dynoxide: one process, in memory, on a free loopback port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Registry } from '../../shared/ports.ts';
import { createRegistry, namedTables } from './dynamodb-tables.ts';

const ATTEMPTS = 200;

export interface Dynoxide {
  readonly registry: Registry;
  stop(): Promise<void>;
}

/** A registry on empty tables, as the stage makes them. */
export async function startDynoxide(program: string): Promise<Dynoxide> {
  const port = await freePort();
  const server = spawn(program, ['serve', '--port', String(port)], { stdio: 'ignore' });
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await untilReady(port);
  return {
    registry: await createRegistry(client, namedTables('contract')),
    async stop() {
      client.destroy();
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
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
