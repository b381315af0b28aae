// When does a device go back to an identity it had before? When a broker that it verified has closed the newer one often enough.
import { describe, expect, test } from 'vitest';

import { jittered } from '../../device/backoff.ts';
import { certificateIdOf } from '../../device/identities.ts';
import { CURRENT_ID, IN_USE, serviceInUse } from './operational.ts';
import { startBroker } from './small-broker.ts';
import { SmallService } from './small-service.ts';
import { FACTORY_ID, namesOf, runUntil, setStage, VirtualTime, type Stage } from './stage.ts';

describe('falling back', () => {
  test('after as many refusals in a row it uses the factory identity, and rotates anew', async () => {
    const service = new SmallService(FACTORY_ID);
    const { broker, connects } = await startBroker(service);
    const stage = setStage(broker, { mostRefusals: 3 });
    stage.store.change(IN_USE);
    await runUntil(stage, 'operational');
    const current = certificateIdOf(stage.store.state().current?.certificate ?? '');
    expect(connects.map(({ certificateId }) => certificateId)).toEqual([
      ...[CURRENT_ID, CURRENT_ID, CURRENT_ID],
      ...[FACTORY_ID, current],
    ]);
    expect(stage.events).toContainEqual(expect.objectContaining({ event: 'turning', from: 'current', to: 'factory' }));
  });

  test('forty refusals of a confirmed certificate, unless told', async () => {
    const { broker, connects } = await startBroker(new SmallService(FACTORY_ID));
    const stage = setStage(broker);
    stage.store.change(IN_USE);
    await runUntil(stage, 'accepted');
    expect(connects.filter(({ certificateId }) => certificateId === CURRENT_ID)).toHaveLength(40);
  });

  test('never because nobody could be reached, however often', async () => {
    const { broker } = await startBroker();
    const stage = setStage({ ...broker, port: 1 }, { mostRefusals: 1 });
    stage.store.change(IN_USE);
    await runTimes(stage, 'unreachable', 20);
    expect(rolesOf(stage)).toEqual(new Set(['current']));
  });

  test('never because the broker has no room', async () => {
    const { broker } = await startBroker({ connect: () => 3 });
    const stage = setStage(broker, { mostRefusals: 1 });
    stage.store.change(IN_USE);
    await runTimes(stage, 'unreachable', 3);
    expect(rolesOf(stage)).toEqual(new Set(['current']));
  });

  test('an accepted connect between two refusals begins the count anew', async () => {
    const service = serviceInUse();
    const answers = ['close', 'accept', 'close', 'accept'] as const;
    let connects = 0;
    const small = await startBroker({ connect: () => answers[(connects += 1) - 1] ?? 'accept' });
    const stage = setStage(small.broker, { mostRefusals: 2 });
    stage.store.change(IN_USE);
    const run = stage.agent.run(stage.stop.signal);
    await stage.until('operational');
    small.closeAll();
    await stage.until('operational');
    stage.stop.abort();
    await run;
    expect([service.known.size, rolesOf(stage)]).toEqual([1, new Set(['current'])]);
  });

  test('a factory identity that is refused too gives the turn back to the newest', async () => {
    let closed = 0;
    const { broker, connects } = await startBroker({ connect: () => ((closed += 1) <= 4 ? 'close' : 'accept') });
    const stage = setStage(broker, { mostRefusals: 2 });
    stage.store.change(IN_USE);
    await runUntil(stage, 'operational');
    expect(connects.map(({ certificateId }) => certificateId)).toEqual([
      ...[CURRENT_ID, CURRENT_ID],
      ...[FACTORY_ID, FACTORY_ID, CURRENT_ID],
    ]);
  });

  test('the spent factory identity is shown much later than any other: an outage that looks like refusals is over by then', async () => {
    let closed = 0;
    const { broker, connects } = await startBroker({ connect: () => ((closed += 1) <= 5 ? 'close' : 'accept') });
    const stage = setStage(broker, { mostRefusals: 2, mostBeforeFactory: 6 });
    stage.store.change(IN_USE);
    await runUntil(stage, 'operational');
    expect(new Set(connects.map(({ certificateId }) => certificateId))).toEqual(new Set([CURRENT_ID]));
  });

  test('a certificate that the broker does not know yet is tried again', async () => {
    const service = new SmallService(FACTORY_ID);
    service.slowness = 3;
    const { broker } = await startBroker(service);
    const stage = setStage(broker, { mostRefusals: 4 });
    await runUntil(stage, 'operational');
    expect(service.requests).toHaveLength(1);
  });

  test('one that it does not come to know is asked for again over the former identity, with the same question (T088)', async () => {
    const service = serviceInUse();
    service.slowness = 4;
    const { broker } = await startBroker(service);
    const stage = setStage(broker, { mostRefusals: 4 });
    stage.store.change(IN_USE);
    expect(await stage.agent.rotate()).toBe('confirmed');
    await runUntil(stage, 'operational');
    const [first, second, ...others] = service.requests;
    expect(first?.over).toBe(CURRENT_ID);
    expect([second, others]).toEqual([first, []]);
    expect(service.confirmed).toEqual([certificateIdOf(stage.store.state().current?.certificate ?? '')]);
  });

  test('a new certificate begins the row of pauses anew', async () => {
    const service = new SmallService(FACTORY_ID);
    service.slowness = 2;
    let closed = 0;
    const { broker } = await startBroker({
      connect: (client) => ((closed += 1) <= 3 ? 'close' : service.connect(client)),
      heard: (client, message) => {
        service.heard(client, message);
      },
    });
    const stage = setStage(broker, { random: () => 0.5 });
    await runUntil(stage, 'operational');
    const waits = stage.events.flatMap((event) => (event.event === 'waiting' ? [event.milliseconds] : []));
    expect(waits).toEqual([500, 1_000, 2_000, 500, 1_000]);
  });

  test('the same certificate once more makes no pause shorter', async () => {
    const service = serviceInUse();
    service.slowness = 4;
    const { broker } = await startBroker(service);
    const stage = setStage(broker, { mostRefusals: 2, random: () => 0.5 });
    stage.store.change(IN_USE);
    await stage.agent.rotate();
    await runUntil(stage, 'operational');
    const waits = stage.events.flatMap((event) => (event.event === 'waiting' ? [event.milliseconds] : []));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
  });

  test('one that the service will not hand out again is kept until another is confirmed', async () => {
    const service = serviceInUse();
    service.slowness = 2;
    service.rejects = () => service.requests.length === 2;
    const { broker } = await startBroker(service);
    const stage = setStage(broker, { mostRefusals: 2 });
    stage.store.change(IN_USE);
    expect(await stage.agent.rotate()).toBe('rejected');
    expect(stage.store.state()).toMatchObject({
      current: IN_USE.current,
      spare: { renewFrom: expect.any(String) as string },
    });
    expect(await stage.agent.rotate()).toBe('confirmed');
    await runUntil(stage, 'operational');
    expect(Object.keys(stage.store.state()).sort()).toEqual(['current', 'root']);
  });

  test('a spare that the broker accepts is confirmed', async () => {
    const service = new SmallService(FACTORY_ID);
    service.known.clear();
    service.known.add(CURRENT_ID);
    const { broker } = await startBroker(service);
    const stage = setStage(broker, { mostRefusals: 2 });
    stage.store.change({
      ...(IN_USE.root === undefined ? {} : { root: IN_USE.root }),
      ...(IN_USE.current && { spare: IN_USE.current }),
    });
    await runUntil(stage, 'operational');
    expect(stage.store.state()).toEqual(IN_USE);
  });
});

describe('pauses', () => {
  test('there is a second at least between two connects, whatever the jitter', async () => {
    const { broker } = await startBroker({ connect: () => 'close' });
    const stage = setStage(broker);
    await runTimes(stage, 'closed', 4);
    const times = stage.events.filter(({ event }) => event === 'connecting').map(({ at }) => Date.parse(at));
    for (const [index, time] of times.slice(1).entries())
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  test('they double up to a minute, with full jitter', async () => {
    const { broker } = await startBroker({ connect: () => 'close' });
    const stage = setStage(broker, { random: () => 0.5, time: new VirtualTime(Infinity) });
    await runTimes(stage, 'closed', 9);
    const waits = stage.events.flatMap((event) => (event.event === 'waiting' ? [event.milliseconds] : []));
    expect(waits.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect([jittered(40, () => 0), jittered(5_000, () => 0.999999)]).toEqual([0, 59_999]);
  });

  test('a session that lasted makes the next pause short again; one that did not, longer', async () => {
    const small = await startBroker(serviceInUse());
    const stage = setStage(small.broker, { random: () => 0.5 });
    stage.store.change(IN_USE);
    const run = stage.agent.run(stage.stop.signal);
    const waits: number[] = [];
    for (const lasting of ['2026-11-24T12:00:00.000Z', '2026-11-24T12:00:10.000Z', '2026-11-24T13:00:00.000Z']) {
      await stage.until('operational');
      stage.time.set(lasting);
      small.closeAll();
      waits.push((await stage.until('waiting')).milliseconds);
    }
    stage.stop.abort();
    await run;
    expect(waits).toEqual([500, 1_000, 500]);
    expect(namesOf(stage)).toContain('lost');
  });
});

async function runTimes(stage: Stage, event: Parameters<Stage['until']>[0], times: number): Promise<void> {
  const run = stage.agent.run(stage.stop.signal);
  for (let count = 0; count < times; count += 1) await stage.until(event);
  stage.stop.abort();
  await run;
}

function rolesOf({ events }: Stage): ReadonlySet<string> {
  return new Set(events.flatMap((event) => (event.event === 'connecting' ? [event.role] : [])));
}
