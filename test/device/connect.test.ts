// What does the end of a connection say? An answer of the broker, a word of its own trouble, or nothing.
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';

import { connectOnce, onboard, type Session } from '../../device/connect.ts';
import { startBroker, type Behaviour } from './small-broker.ts';
import { FACTORY } from './stage.ts';

describe('one connect', () => {
  test.for([
    ['closed without CONNACK', 'close', 'broker'],
    ['reset without CONNACK', 'reset', 'broker'],
    ['not authorised', 5, 'broker'],
    ['server unavailable', 3, 'busy'],
  ] as const)('%s', async ([, answer, by]) => {
    const { broker } = await startBroker({ connect: () => answer });
    expect(await connectOnce(broker, FACTORY)).toMatchObject({ outcome: 'closed', by });
  });

  test('a broker that says nothing has not refused', async () => {
    const stop = new AbortController();
    const { broker } = await startBroker({
      connect: () => {
        stop.abort();
        return 'silence';
      },
    });
    expect(await connectOnce(broker, FACTORY, stop.signal)).toMatchObject({ outcome: 'closed', by: 'network' });
  });

  test('told to stop before, it does not begin', async () => {
    const small = await startBroker();
    expect(await connectOnce(small.broker, FACTORY, AbortSignal.abort())).toMatchObject({ by: 'network' });
    expect(small.arrivals()).toBe(0);
  });

  test('who closes it before the handshake is done may be anybody', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { broker } = await startBroker();
    const { port } = server.address() as AddressInfo;
    expect(await connectOnce({ ...broker, port }, FACTORY)).toMatchObject({ outcome: 'closed', by: 'network' });
  });

  test('no route is an error', async () => {
    const { broker } = await startBroker();
    await expect(connectOnce({ ...broker, port: 1 }, FACTORY)).rejects.toThrow('ECONNREFUSED');
  });

  test('onboarding asks again until it is accepted, each pause twice the one before', async () => {
    let closed = 0;
    const { broker } = await startBroker({ connect: () => ((closed += 1) <= 3 ? 'close' : 'accept') });
    const pauses: number[] = [];
    const pause = (milliseconds: number) => Promise.resolve(void pauses.push(milliseconds));
    const connection = await onboard(broker, FACTORY, { attempts: 9, firstPauseMs: 10, pause });
    if (connection.outcome === 'accepted') await connection.session.close();
    expect([connection.outcome, pauses]).toEqual(['accepted', [10, 20, 40]]);
  });
});

describe('a session', () => {
  test('a publication that the broker does not acknowledge fails when the session ends', async () => {
    const { session, closeAll } = await openSession({
      acknowledge: () => false,
      heard: () => {
        closeAll();
      },
    });
    await expect(session.publish('a/b', 'c')).rejects.toThrow('Connection closed');
    expect(await session.ended).toBe('the connection was closed');
  });

  test('a publication that waits when the session is closed fails', async () => {
    const heard = Promise.withResolvers<undefined>();
    const { session } = await openSession({
      acknowledge: () => {
        heard.resolve(undefined);
        return false;
      },
    });
    const failure = expect(session.publish('a/b', 'c')).rejects.toThrow('Connection closed');
    await heard.promise;
    await session.close();
    await failure;
  });

  test('a subscription that is not granted fails', async () => {
    const { session } = await openSession({ grant: () => false });
    await expect(session.subscribe(['a/b'])).rejects.toThrow('Subscribe error');
    await session.close();
  });

  test('hears what it subscribed to', async () => {
    const { session } = await openSession({
      heard: (client, { topic, payload }) => {
        client.say(topic, payload.toString('utf8').toUpperCase());
      },
    });
    const heard = new Promise<string>((resolve) => {
      session.onMessage(({ topic, payload }) => {
        resolve(`${topic} ${payload.toString('utf8')}`);
      });
    });
    await session.subscribe(['a/b']);
    await session.publish('a/b', 'word');
    expect(await heard).toBe('a/b WORD');
    await session.close();
  });
});

async function openSession(
  behaviour: Behaviour,
): Promise<{ readonly session: Session; readonly closeAll: () => void }> {
  const { broker, closeAll } = await startBroker(behaviour);
  const connection = await connectOnce(broker, FACTORY);
  if (connection.outcome === 'closed') throw new Error(connection.problem);
  return { session: connection.session, closeAll };
}
