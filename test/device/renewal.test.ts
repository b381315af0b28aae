// When does a device ask for its next certificate, and how does it stop? In time, when the service asks, and at once.
import { describe, expect, test } from 'vitest';

import { certificateTopic } from '../../device/answer.ts';
import { certificateIdOf } from '../../device/identities.ts';
import { Stopped } from '../../device/link.ts';
import { CURRENT_ID, IN_USE, RENEW_FROM, serviceInUse } from './operational.ts';
import { startBroker, type Client } from './small-broker.ts';
import { house, type SmallService } from './small-service.ts';
import { FACTORY, ID, runUntil, setStage } from './stage.ts';

describe('renewal', () => {
  test('begins when the certificate is due, over the certificate that it replaces', async () => {
    const { service, stage, run } = await beginInUse();
    expect((await stage.until('operational')).renewFrom).toBe(RENEW_FROM);
    expect(service.requests).toEqual([]);
    stage.time.set(RENEW_FROM);
    stage.time.expire();
    await stage.until('operational');
    stage.stop.abort();
    await run;
    expect(service.requests).toMatchObject([{ over: CURRENT_ID }]);
    expect(service.confirmed).toEqual([currentIdOf(stage)]);
  });

  test('the old certificate stays until the new one is confirmed', async () => {
    const { service, stage, run } = await beginInUse();
    await stage.until('operational');
    service.loses = (answer) => answer === 'confirmed';
    stage.time.set(RENEW_FROM);
    stage.time.expire();
    await stage.until('confirming');
    expect(currentIdOf(stage)).toBe(CURRENT_ID);
    stage.stop.abort();
    await run;
  });

  test('begins when the service asks for it', async () => {
    const { service, stage, run, say } = await beginInUse();
    await stage.until('operational');
    say({ certificateId: CURRENT_ID, renewFrom: '2026-11-24T00:00:00.000Z' });
    await stage.until('asked-to-renew');
    await stage.until('operational');
    stage.stop.abort();
    await run;
    expect(service.confirmed).toEqual([currentIdOf(stage)]);
  });

  test('does not begin for a push about another certificate, or one that is not as documented', async () => {
    const { service, stage, run, say } = await beginInUse();
    await stage.until('operational');
    say({ certificateId: 'f'.repeat(64), renewFrom: '2026-11-24T00:00:00.000Z' });
    await stage.until('ignored');
    say({ certificateId: CURRENT_ID, renewFrom: 'soon' });
    await stage.until('ignored');
    stage.stop.abort();
    await run;
    expect(service.requests).toEqual([]);
  });

  test('does not go round without end when the clock says that everything is due', async () => {
    const { service, stage, run, say } = await beginInUse();
    await stage.until('operational');
    say({ certificateId: CURRENT_ID, renewFrom: '2026-11-24T00:00:00.000Z' });
    await stage.until('confirmed');
    await stage.until('operational');
    say({ certificateId: currentIdOf(stage), renewFrom: '2026-11-24T00:00:00.000Z' });
    await stage.until('asked-to-renew');
    // An hour after the last one was issued.
    expect((await stage.until('operational')).renewFrom).toMatch(/^2026-11-24T13:00:0/);
    stage.stop.abort();
    await run;
    expect(service.requests).toHaveLength(1);
  });

  test('takes no certificate of another root than the pinned one', async () => {
    const { service, stage, run } = await beginInUse();
    service.issuing = { house: house('Stranger') };
    await stage.until('operational');
    stage.time.set(RENEW_FROM);
    stage.time.expire();
    expect(await stage.until('distrusted')).toMatchObject({ reason: 'path-unknown' });
    stage.stop.abort();
    await run;
    expect(stage.store.state().next?.issued).toBeUndefined();
  });

  test('over the factory identity the root of a new owner is pinned', async () => {
    const { service, stage, run } = await beginInUse({ mostRefusals: 1 });
    service.known.clear();
    service.known.add(certificateIdOf(FACTORY.certificate));
    const buyer = house('Buyer');
    service.issuing = { house: buyer };
    await stage.until('operational');
    stage.stop.abort();
    await run;
    expect(stage.store.state().root).toBe(buyer.root.der.toString('base64url'));
  });

  test('asked by hand it does nothing before its time', async () => {
    const { broker } = await startBroker(serviceInUse());
    const stage = setStage(broker);
    stage.store.change(IN_USE);
    expect(await stage.agent.renew()).toBe('not-due');
    stage.time.set(RENEW_FROM);
    expect(await stage.agent.renew()).toBe('confirmed');
    await (await stage.agent.connect()).close();
  });
});

describe('the end', () => {
  test.for(['connecting', 'accepted', 'operational'] as const)('stops at once while %s', async (event) => {
    const { broker } = await startBroker(serviceInUse());
    const stage = setStage(broker);
    stage.store.change(IN_USE);
    await runUntil(stage, event);
    const told = stage.events.map((one) => one.event);
    for (const trouble of ['unreachable', 'closed', 'lost', 'failed'] as const) expect(told).not.toContain(trouble);
  });

  test('stops while a publication waits for a broker that says nothing, and closes the session', async () => {
    const service = serviceInUse();
    const heard = Promise.withResolvers<undefined>();
    const closed = Promise.withResolvers<undefined>();
    const { broker } = await startBroker({
      connect: (client) => {
        client.socket.once('close', () => {
          closed.resolve(undefined);
        });
        return service.connect(client);
      },
      acknowledge: () => {
        heard.resolve(undefined);
        return false;
      },
    });
    const stage = setStage(broker);
    stage.store.change(IN_USE);
    const rotation = stage.agent.rotate(stage.stop.signal);
    await heard.promise;
    stage.stop.abort();
    await expect(rotation).rejects.toThrow(Stopped);
    await closed.promise;
    expect(stage.events.map(({ event }) => event)).not.toContain('lost');
  });

  test('a broker that acknowledges nothing is left after a while', async () => {
    const service = serviceInUse();
    let deaf = true;
    const heard = Promise.withResolvers<undefined>();
    const { broker, connects } = await startBroker({
      connect: (client) => service.connect(client),
      heard: (client, message) => {
        if (!deaf) service.heard(client, message);
      },
      acknowledge: () => {
        heard.resolve(undefined);
        return !deaf;
      },
    });
    const stage = setStage(broker);
    stage.store.change(IN_USE);
    const rotation = stage.agent.rotate();
    await heard.promise;
    deaf = false;
    stage.time.expire();
    expect(await rotation).toBe('confirmed');
    await (await stage.agent.connect()).close();
    expect(connects.map(({ certificateId }) => certificateId)).toEqual([CURRENT_ID, CURRENT_ID, currentIdOf(stage)]);
  });

  test('whoever uses the agent is given each new session', async () => {
    const small = await startBroker(serviceInUse());
    const sessions: unknown[] = [];
    const stage = setStage(small.broker, { onSession: (session) => sessions.push(session) });
    stage.store.change(IN_USE);
    const run = stage.agent.run(stage.stop.signal);
    await stage.until('operational');
    small.closeAll();
    await stage.until('operational');
    stage.stop.abort();
    await run;
    expect(new Set(sessions).size).toBe(2);
  });
});

/** An agent with its confirmed certificate, running; `say` is the service's push. */
async function beginInUse(wishes: Parameters<typeof setStage>[1] = {}) {
  const service: SmallService = serviceInUse();
  let client: Client | undefined;
  const { broker } = await startBroker({
    connect: (one) => {
      client = one;
      return service.connect(one);
    },
    heard: (one, message) => {
      service.heard(one, message);
    },
  });
  const stage = setStage(broker, wishes);
  stage.store.change(IN_USE);
  const say = (body: object) => client?.say(certificateTopic(ID, 'renew'), body);
  return { service, stage, say, run: stage.agent.run(stage.stop.signal) };
}

function currentIdOf({ store }: Pick<ReturnType<typeof setStage>, 'store'>): string {
  return certificateIdOf(store.state().current?.certificate ?? '');
}
