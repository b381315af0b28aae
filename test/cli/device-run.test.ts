// What does `wardkey device run` do with its options, what does it print, and when does it end?
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { brokerOf, describeEvent, openStore, runDevice, type RunOptions } from '../../cli/commands/device-run.ts';
import { openTerminal } from '../../cli/terminal.ts';
import type { ReportedEvent } from '../../device/events.ts';
import { pemOf, SERVER_ROOT, startBroker } from '../device/small-broker.ts';
import { SmallService } from '../device/small-service.ts';
import { FACTORY, FACTORY_ID, ID, VirtualTime } from '../device/stage.ts';
import { newFolder } from './folders.ts';

const OPTIONS = { prefix: 'wardkey', id: ID, endpoint: 'ward.example' };

function filesIn(folder: string): RunOptions {
  const [factoryCert, factoryKey, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(factoryCert, FACTORY.certificate);
  writeFileSync(factoryKey, FACTORY.key);
  writeFileSync(ca, pemOf(SERVER_ROOT));
  return { ...OPTIONS, factoryCert, factoryKey, ca };
}

describe('wardkey device run', () => {
  test('--once ends when the device is operational; a second run connects with what the first one kept', async () => {
    const service = new SmallService(FACTORY_ID);
    const { broker, connects } = await startBroker(service);
    const folder = newFolder();
    const files = filesIn(folder);
    const events: ReportedEvent['event'][][] = [];
    for (let run = 1; run <= 2; run += 1) {
      const time = new VirtualTime();
      const lines: string[] = [];
      const edge = { clock: time, random: () => 0, pause: time.pause, print: (line: string) => lines.push(line) };
      const store = openStore(join(folder, 'device'), files);
      await runDevice(store, { ...edge, broker, options: { once: true, json: true }, stop: new AbortController() });
      events.push(lines.map((line) => (JSON.parse(line) as ReportedEvent).event));
    }
    expect(events[0]?.at(-1)).toBe('operational');
    expect(events[1]).toEqual(['connecting', 'accepted', 'operational']);
    expect(connects.at(-1)?.certificateId).toBe(service.confirmed[0]);
  });

  test('with --endpoint it asks no AWS account, and takes host, port and CA as given', async () => {
    const files = filesIn(newFolder());
    const terminal = openTerminal(true);
    const broker = await brokerOf({ ...files, host: '127.0.0.1', port: '1883' }, terminal);
    expect(broker).toEqual({ host: '127.0.0.1', port: 1883, endpoint: 'ward.example', ca: pemOf(SERVER_ROOT) });
    expect(await brokerOf({ ...files, alpn443: true }, terminal)).toMatchObject({
      host: 'ward.example',
      port: 443,
      alpn: ['x-amzn-mqtt-ca'],
    });
  });

  test.for([
    ['a port that is none', { port: '70000' }, '--port: expected 1 to 65535'],
    ['two ports', { port: '8883', alpn443: true }, 'expected --alpn443 or --port'],
  ] as const)('refuses %s', async ([, options, problem]) => {
    await expect(brokerOf({ ...filesIn(newFolder()), ...options }, openTerminal(true))).rejects.toThrow(problem);
  });

  test('refuses an id with power in topics', () => {
    expect(() => openStore(newFolder(), { ...filesIn(newFolder()), id: 'acme/#' })).toThrow('--id: expected');
  });

  test('a line is the time, the event and what it says; text from outside is shown, not sent to the terminal (T122)', () => {
    const at = '2026-11-24T12:00:00.000Z';
    const line = describeEvent({ at, event: 'closed', role: 'factory', refusals: 1, problem: 'no\u001b[2J' });
    expect(line).toBe(`${at} closed role=factory refusals=1 problem=no\\u001b[2J`);
  });
});
