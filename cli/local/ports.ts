// On which ports does the local cloud listen? The ones it had before, if they are still free; otherwise two free ones.
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { LocalCloudError } from './error.ts';

export interface Ports {
  /** The HTTP gateway of all services. */
  readonly http: number;
  /** MQTT over mutual TLS. */
  readonly mqtt: number;
}

// Below 32768, where Linux begins to take the local ports of outgoing connections.
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Chosen ports are remembered in `file`: addresses that are stored in the cloud (queue URLs) stay right. */
export async function choosePorts(file: string): Promise<Ports> {
  const before = rememberedPorts(file);
  if (before !== undefined && (await becomeFree(before))) return before;
  const http = await freePort();
  const ports = { http, mqtt: await freePort(http) };
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

function rememberedPorts(file: string): Ports | undefined {
  try {
    const { http, mqtt } = JSON.parse(readFileSync(file, 'utf8')) as Ports;
    return Number.isInteger(http) && Number.isInteger(mqtt) ? { http, mqtt } : undefined;
  } catch {
    return undefined;
  }
}

// A killed server is gone from the process table some milliseconds before its sockets are closed.
async function becomeFree({ http, mqtt }: Ports): Promise<boolean> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if ((await isFree(http)) && (await isFree(mqtt))) return true;
    await sleep(50);
  }
  return false;
}

async function freePort(taken?: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (port !== taken && (await isFree(port))) return port;
  }
  throw new LocalCloudError(`found no free port on 127.0.0.1 between ${LOWEST} and ${HIGHEST}`);
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}
