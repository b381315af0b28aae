// How does a device reach its broker? MQTT over mutual TLS; at the first connect it is closed, and asks again.
import { MqttClient } from 'mqtt';
import type { TLSSocket } from 'node:tls';

import { openSecureSocket } from './secure-socket.ts';

export interface Broker {
  /** Where the TCP connection goes. */
  readonly host: string;
  readonly port: number;
  /** The full endpoint name: sent as SNI, which AWS IoT Core needs to find the account, and checked in its certificate. */
  readonly endpoint: string;
  /** PEM; the authorities behind the broker's own certificate. */
  readonly ca: string;
  /** Protocols to name in the handshake (RFC 7301); none unless told. */
  readonly alpn?: readonly string[];
}

export interface Identity {
  /** Thing name and MQTT client id. */
  readonly id: string;
  /** PEM */
  readonly certificate: string;
  readonly key: string;
}

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
}

export interface Session {
  /** Returns when the broker has acknowledged it (QoS 1); throws when the session ends first. */
  publish(topic: string, payload: string | Buffer): Promise<void>;
  /** QoS 1; throws when the broker grants less than all of it. */
  subscribe(topics: readonly string[]): Promise<void>;
  /** Set it before the subscription that brings the messages. */
  onMessage(listen: (message: Message) => void): void;
  /** Why it ended; never rejects. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

export type Connection =
  | { readonly outcome: 'accepted'; readonly session: Session }
  /** Not registered yet, not admitted, or another client id than its own; or nobody's answer at all. */
  | ({ readonly outcome: 'closed' } & Ending);

export interface Ending {
  /**
   * `broker`: closed after its certificate was verified, which answers this identity. `busy`: the broker has no room now.
   * `network`: whoever closed it was not verified, or no answer came in time. Only the first says anything of the device.
   */
  readonly by: 'broker' | 'busy' | 'network';
  readonly problem: string;
}

/** Where only port 443 is open: AWS IoT Core tells MQTT from HTTPS there by this protocol name. */
export function throughPort443(broker: Broker): Broker {
  return { ...broker, port: 443, alpn: ['x-amzn-mqtt-ca'] };
}

/** One try. A closed connection is an answer; only a broker that cannot be reached or trusted is an error. */
export async function connectOnce(broker: Broker, identity: Identity, signal?: AbortSignal): Promise<Connection> {
  const limit = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const stop = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  if (stop.aborted) return { outcome: 'closed', by: 'network', problem: 'not tried' };
  try {
    return await awaitAnswer(await openSecureSocket(broker, identity, stop), identity, stop);
  } catch (error) {
    if (!(error instanceof Error) || isUnreachable(error)) throw error;
    return { outcome: 'closed', by: 'network', problem: error.message };
  }
}

/** IoT Core closes an unregistered device without a CONNACK: the close itself is the answer. */
async function awaitAnswer(socket: TLSSocket, { id }: Identity, stop: AbortSignal): Promise<Connection> {
  const giveUp = () => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
  stop.addEventListener('abort', giveUp, { once: true });
  // It may have come since the handshake.
  if (stop.aborted) giveUp();
  const client = new MqttClient(() => socket, { protocolVersion: 4, clientId: id, clean: true, reconnectPeriod: 0 });
  const ended = awaitEnd(client);
  const accepted = new Promise<Connection>((resolve) => {
    client.once('connect', () => {
      resolve({ outcome: 'accepted', session: sessionOf(client, ended) });
    });
  });
  const answer = await Promise.race([accepted, ended.then((ending) => ({ outcome: 'closed' as const, ...ending }))]);
  stop.removeEventListener('abort', giveUp);
  return answer;
}

function awaitEnd(client: MqttClient): Promise<Ending> {
  let problem = new Error('closed without an answer');
  return new Promise((resolve) => {
    client.once('connect', () => {
      problem = new Error('the connection was closed');
    });
    client.on('error', (error) => {
      problem = error;
    });
    client.once('close', () => {
      client.end(true);
      resolve({ by: judge(problem), problem: problem.message });
    });
  });
}

/** The server was verified before; what closes the connection now is its answer, unless it says or shows otherwise. */
function judge(error: Error): Ending['by'] {
  const { code } = error as { readonly code?: string | number };
  if (typeof code === 'number') return BUSY.has(code) ? 'busy' : 'broker';
  return LOST.has(code ?? '') ? 'network' : 'broker';
}

function sessionOf(client: MqttClient, ended: Promise<Ending>): Session {
  let unacknowledged = 0;
  const wait = async (acknowledgement: Promise<unknown>) => {
    unacknowledged += 1;
    await acknowledgement.finally(() => (unacknowledged -= 1));
  };
  return {
    publish: (topic, payload) => wait(client.publishAsync(topic, payload, { qos: 1 })),
    subscribe: (topics) => wait(client.subscribeAsync([...topics], { qos: 1 })),
    onMessage: (listen) => {
      client.on('message', (topic, payload) => {
        listen({ topic, payload });
      });
    },
    ended: ended.then(({ problem }) => problem),
    close: () => closeSoon(client, { ended, force: unacknowledged > 0 }),
  };
}

/** Says goodbye; a peer that has gone meanwhile is not waited for. */
async function closeSoon(
  client: MqttClient,
  { ended, force }: { readonly ended: Promise<Ending>; readonly force: boolean },
): Promise<void> {
  const impatience = setTimeout(() => client.stream.destroy(), FAREWELL_MS);
  client.end(force);
  await ended;
  clearTimeout(impatience);
}

export interface Patience {
  readonly attempts: number;
  readonly firstPauseMs: number;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** Asks again with growing pauses until accepted, or until its patience ends. */
export async function onboard(broker: Broker, identity: Identity, patience: Patience): Promise<Connection> {
  let connection = await connectOnce(broker, identity);
  for (let attempt = 1; attempt < patience.attempts && connection.outcome === 'closed'; attempt += 1) {
    // AWS IoT Core takes one CONNECT a second per client id; doubling keeps a whole ward from asking in step.
    await patience.pause(Math.min(patience.firstPauseMs * 2 ** (attempt - 1), 60_000));
    connection = await connectOnce(broker, identity);
  }
  return connection;
}

/** Not the broker's answer to this device: no route, or a server that is not the one we trust. */
function isUnreachable(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const untrusted = ['CERT', 'UNABLE_TO', 'DEPTH_ZERO', 'SELF_SIGNED', 'ALTNAME'].some((word) => code.includes(word));
  return untrusted || ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'].includes(code);
}

const CONNECT_TIMEOUT_MS = 10_000;
const FAREWELL_MS = 2_000;

/** MQTT 3.1.1 3.2.2.3: server unavailable; MQTT 5 3.2.2.2: unavailable, busy, quota exceeded, connection rate exceeded. */
const BUSY: ReadonlySet<number> = new Set([0x03, 0x88, 0x89, 0x97, 0x9f]);

/**
 * The route broke. A reset is not among them: a server that closes before it has read our CONNECT resets the connection, and
 * a device whose certificate has ended must be able to see that.
 */
const LOST: ReadonlySet<string> = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN']);
