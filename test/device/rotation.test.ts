// Does a device come by its operational certificate, whatever gets lost and wherever it is killed?
import { describe, expect, test } from 'vitest';

import { certificateTopic } from '../../device/answer.ts';
import type { Broker } from '../../device/connect.ts';
import type { ReportedEvent } from '../../device/events.ts';
import { certificateIdOf, type DeviceState } from '../../device/identities.ts';
import { openIdentityStore } from '../../device/identity-store.ts';
import { keysOf, spkiOf } from '../pki/crafted.ts';
import { PowerCut, PowerDisk } from './power-disk.ts';
import { startBroker } from './small-broker.ts';
import { SmallService } from './small-service.ts';
import { FACTORY, FACTORY_ID, FOLDER, ID, namesOf, runUntil, setStage } from './stage.ts';

describe('rotation', () => {
  test('a device with its factory identity asks for a certificate, uses it and confirms it', async () => {
    const service = new SmallService(FACTORY_ID);
    const { broker, connects, subscriptions } = await startBroker(service);
    const stage = setStage(broker);
    await runUntil(stage, 'operational');
    const { current, next, root } = stage.store.state();
    const id = certificateIdOf(current?.certificate ?? '');
    expect(namesOf(stage).join(' ')).toBe(
      'connecting accepted requested pinned issued connecting accepted confirming confirmed operational',
    );
    expect(service.confirmed).toEqual([id]);
    expect(connects).toMatchObject([
      { id: ID, certificateId: FACTORY_ID },
      { id: ID, certificateId: id },
    ]);
    expect([next, root === undefined]).toEqual([undefined, false]);
    // Only a confirmed certificate may hear of renewals.
    expect(subscriptions.map((topic) => topic.split('/').at(-1)).join(' ')).toBe(
      'accepted rejected accepted rejected renew',
    );
  });

  test('survives that its first connects are closed', async () => {
    const service = new SmallService(FACTORY_ID);
    let closed = 0;
    const { broker } = await startBroker({
      heard: (client, message) => {
        service.heard(client, message);
      },
      connect: (client) =>
        client.certificateId === FACTORY_ID && (closed += 1) <= 2 ? 'close' : service.connect(client),
    });
    const stage = setStage(broker);
    await runUntil(stage, 'operational');
    expect(stage.events.filter(({ event }) => event === 'closed')).toMatchObject([{ refusals: 1 }, { refusals: 2 }]);
  });

  test('a lost answer is asked for with the same id and the same CSR, and is the same certificate (T088)', async () => {
    const service = new SmallService(FACTORY_ID);
    const lost = losingFirst(service, 'issued');
    const { broker } = await startBroker(service);
    const stage = setStage(broker);
    const run = stage.agent.run(stage.stop.signal);
    await stage.until('requested');
    await lost;
    stage.time.expire();
    await stage.until('operational');
    stage.stop.abort();
    await run;
    const [first, second, ...others] = service.requests;
    expect(first).toBeDefined();
    expect([second, others]).toEqual([first, []]);
    expectOneCertificate(service, stage.store.state());
  });

  test('a lost word that it is confirmed is asked for again', async () => {
    const service = new SmallService(FACTORY_ID);
    const lost = losingFirst(service, 'confirmed');
    const { broker } = await startBroker(service);
    const stage = setStage(broker);
    const run = stage.agent.run(stage.stop.signal);
    await stage.until('confirming');
    await lost;
    stage.time.expire();
    await stage.until('operational');
    stage.stop.abort();
    await run;
    expectOneCertificate(service, stage.store.state());
  });

  test('killed after any event, it goes on with the same question and ends with one certificate (T087, T088)', async () => {
    for (let kill = 1; ; kill += 1) {
      const service = new SmallService(FACTORY_ID);
      const { broker } = await startBroker(service);
      const disk = new PowerDisk();
      if ((await runKilled(broker, disk, kill)) < kill) break;
      const stage = setStage(broker, { disk });
      await runUntil(stage, 'operational');
      expectOneCertificate(service, stage.store.state());
    }
  });

  test('a power cut at any write of a rotation leaves an identity with which it ends well (T087)', async () => {
    const whole = new PowerDisk();
    const service = new SmallService(FACTORY_ID);
    expect(await runToCut((await startBroker(service)).broker, whole)).toBe(false);
    // Three writes of five steps, after the two that make the folder.
    expect(whole.steps).toHaveLength(17);
    // What lies between these two contents of the disk is asked of the store alone.
    for (const cutAt of cutsOf(whole)) for (const kept of [0, -1] as const) await surviveCut(cutAt, kept);
  });

  test('a full disk ends nothing: what it could not write it tries again', async () => {
    const service = new SmallService(FACTORY_ID);
    const { broker } = await startBroker(service);
    const store = openIdentityStore(FOLDER, FACTORY, new PowerDisk());
    let full = 2;
    const change = (next: DeviceState) => {
      if ((full -= 1) >= 0) throw new Error('ENOSPC');
      store.change(next);
    };
    const stage = setStage(broker, { store: { ...store, change } });
    await runUntil(stage, 'operational');
    expect(stage.events.filter(({ event }) => event === 'failed')).toMatchObject([
      { problem: 'ENOSPC' },
      { problem: 'ENOSPC' },
    ]);
    expectOneCertificate(service, store.state());
  });

  test('a refused question is dropped, and the next one is by another key', async () => {
    const service = new SmallService(FACTORY_ID);
    service.rejects = (requestId) => requestId === service.requests[0]?.requestId;
    const { broker } = await startBroker(service);
    const stage = setStage(broker);
    expect(await stage.agent.rotate()).toBe('rejected');
    expect(stage.store.state()).toEqual({});
    expect(await stage.agent.rotate()).toBe('confirmed');
    const [first, second] = service.requests;
    expect(second?.csr).not.toBe(first?.csr);
    await runUntil(stage, 'operational');
    expectOneCertificate(service, stage.store.state(), 2);
  });

  test('after refusals it rests longer each time, and goes on by itself', async () => {
    const service = new SmallService(FACTORY_ID);
    service.rejects = () => service.requests.length <= 3;
    const { broker } = await startBroker(service);
    const stage = setStage(broker, { random: () => 0.5 });
    await runUntil(stage, 'operational');
    expect(stage.events.filter(({ event }) => event === 'waiting')).toMatchObject([
      { milliseconds: 1_000 },
      { milliseconds: 2_000 },
      { milliseconds: 4_000 },
    ]);
  });

  test('an answer to another question, or to none, changes nothing', async () => {
    const service = new SmallService(FACTORY_ID);
    const { broker } = await startBroker({
      connect: (client) => service.connect(client),
      heard: (client, message) => {
        const accepted = message.topic.replace(/[^/]+$/, 'accepted');
        client.say(accepted, 'no JSON');
        client.say(accepted, { kind: 'confirmed', certificateId: 'f'.repeat(64) });
        client.say(accepted, {
          kind: 'issued',
          requestId: 'other',
          certificate: 'AA',
          chain: ['AA'],
          renewFrom: '2027-01-01T00:00:00Z',
        });
        client.say(message.topic.replace(/[^/]+$/, 'rejected'), { requestId: 'other', error: 'refused' });
        service.heard(client, message);
      },
    });
    const stage = setStage(broker);
    await runUntil(stage, 'operational');
    expectOneCertificate(service, stage.store.state());
    expect(namesOf(stage)).toContain('ignored');
    expect(namesOf(stage)).not.toContain('distrusted');
  });

  test('a word that another certificate is confirmed confirms nothing', async () => {
    const service = new SmallService(FACTORY_ID);
    const { broker } = await startBroker({
      connect: (client) => service.connect(client),
      heard: (client, message) => {
        if (message.topic === certificateTopic(ID, 'request')) service.heard(client, message);
        else {
          client.say(certificateTopic(ID, 'accepted'), { kind: 'confirmed', certificateId: FACTORY_ID });
          client.say(certificateTopic(ID, 'rejected'), 'the end of what is said');
        }
      },
    });
    const stage = setStage(broker);
    await runUntil(stage, 'ignored');
    expect(namesOf(stage)).not.toContain('confirmed');
    expect(stage.store.state().current).toBeUndefined();
  });

  test('a certificate that is not by its key is never used, and the question stays open', async () => {
    const service = new SmallService(FACTORY_ID);
    service.issuing = { wishes: { spki: spkiOf(keysOf('somebody')) } };
    const { broker, connects } = await startBroker(service);
    const stage = setStage(broker);
    await runUntil(stage, 'distrusted');
    expect(stage.store.state().next?.issued).toBeUndefined();
    expect(connects).toHaveLength(1);
  });
});

/** Resolves when the first of these answers was lost. */
function losingFirst(service: SmallService, what: 'issued' | 'confirmed'): Promise<void> {
  return new Promise((resolve) => {
    let lost = false;
    service.loses = (answer) => {
      if (answer !== what || lost) return false;
      lost = true;
      resolve();
      return true;
    };
  });
}

/** How many events there were until it was killed, or operational. */
async function runKilled(broker: Broker, disk: PowerDisk, kill: number): Promise<number> {
  const stop = new AbortController();
  let events = 0;
  const report = ({ event }: ReportedEvent) => {
    events += 1;
    if (events === kill || event === 'operational') stop.abort();
  };
  await setStage(broker, { disk, report }).agent.run(stop.signal);
  return events;
}

/** Before each step, and within those that write. */
function cutsOf({ steps }: PowerDisk): readonly number[] {
  return steps.flatMap((step, number) => (step.startsWith('create') ? [number, number + 0.5] : [number]));
}

async function surviveCut(cutAt: number, kept: 0 | -1): Promise<void> {
  const service = new SmallService(FACTORY_ID);
  const { broker } = await startBroker(service);
  const disk = new PowerDisk(cutAt);
  expect(await runToCut(broker, disk)).toBe(true);
  const stage = setStage(broker, { disk: new PowerDisk(Infinity, disk.remains().at(kept)) });
  await runUntil(stage, 'operational');
  expectOneCertificate(service, stage.store.state());
}

/** Whether the power was cut before the device was operational. */
async function runToCut(broker: Broker, disk: PowerDisk): Promise<boolean> {
  const stop = new AbortController();
  const cut = new Promise<boolean>((resolve) => {
    disk.onCut = () => {
      stop.abort();
      resolve(true);
    };
  });
  return Promise.race([cut, runToOperational(broker, disk, stop)]);
}

async function runToOperational(broker: Broker, disk: PowerDisk, stop: AbortController): Promise<boolean> {
  const report = ({ event }: ReportedEvent) => {
    if (event === 'operational') stop.abort();
  };
  try {
    await setStage(broker, { disk, report }).agent.run(stop.signal);
    return false;
  } catch (error) {
    // The first steps are those that open the store.
    if (error instanceof PowerCut) return true;
    throw error;
  }
}

/** What the service knows and what the device holds are one certificate, asked for with so many questions. */
function expectOneCertificate(service: SmallService, { current, next, spare }: DeviceState, questions = 1): void {
  const id = certificateIdOf(current?.certificate ?? '');
  expect(service.confirmed).toEqual([id]);
  expect([...service.known]).toEqual([id]);
  expect([next, spare]).toEqual([undefined, undefined]);
  expect(new Set(service.requests.map(({ requestId, csr }) => `${requestId} ${csr}`)).size).toBe(questions);
}
