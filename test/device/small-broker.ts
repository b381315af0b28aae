// Who answers a device in the tests? A broker of our own on node:tls, with as much MQTT 3.1.1 and 5 as a device uses.
import { generate, parser, type IConnectPacket, type Packet } from 'mqtt-packet';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';

import { onTestFinished } from 'vitest';

import type { Broker, Message } from '../../device/connect.ts';
import {
  basic,
  craft,
  craftAuthority,
  extension,
  keyIds,
  keysOf,
  keyUsage,
  purposes,
  SERVER_AUTH,
  type Crafted,
} from '../pki/crafted.ts';
import { tlv } from '../pki/der.ts';

export const ENDPOINT = 'ward-ats.iot.eu-central-1.amazonaws.com';

export interface Client {
  readonly id: string;
  /** Undefined: it brought no certificate. */
  readonly certificateId: string | undefined;
  readonly socket: TLSSocket;
  /** What it has subscribed to. */
  readonly topics: Set<string>;
  /** Heard only by who has subscribed. */
  say(topic: string, body: object | string): void;
}

export interface Behaviour {
  /** A number is the return code of a CONNACK. */
  connect?(client: Client): 'accept' | 'close' | 'reset' | 'silence' | number;
  heard?(client: Client, message: Message): void;
  /** False: the publication is heard and never acknowledged. */
  acknowledge?(message: Message): boolean;
  /** False: the subscription is not granted. */
  grant?(topic: string): boolean;
}

export interface SmallBroker {
  readonly broker: Broker;
  /** Of each CONNECT that arrived, in order. */
  readonly connects: readonly {
    readonly id: string;
    readonly certificateId: string | undefined;
    readonly alpn: string | false | null;
  }[];
  readonly subscriptions: readonly string[];
  /** How many bytes came through a finished handshake. */
  bytes(): number;
  /** Of handshakes, finished or not. */
  arrivals(): number;
  readonly closeAll: () => void;
}

export async function startBroker(
  behaviour: Behaviour = {},
  server: TlsOptions = tlsOf(makeServer()),
): Promise<SmallBroker> {
  const log = {
    connects: [] as SmallBroker['connects'][number][],
    subscriptions: [] as string[],
    bytes: 0,
    arrivals: 0,
  };
  const open = new Set<TLSSocket>();
  const tls = createServer({ noDelay: true, requestCert: true, rejectUnauthorized: false, ...server }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket, behaviour, log);
  });
  tls.on('connection', () => (log.arrivals += 1));
  tls.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  const closeAll = () => {
    for (const socket of open) socket.destroy();
  };
  onTestFinished(() => {
    closeAll();
    tls.close();
  });
  const { port } = tls.address() as AddressInfo;
  return {
    broker: { host: '127.0.0.1', port, endpoint: ENDPOINT, ca: pemOf(SERVER_ROOT) },
    connects: log.connects,
    subscriptions: log.subscriptions,
    bytes: () => log.bytes,
    arrivals: () => log.arrivals,
    closeAll,
  };
}

interface Log {
  readonly connects: SmallBroker['connects'][number][];
  readonly subscriptions: string[];
  bytes: number;
}

function serve(socket: TLSSocket, behaviour: Behaviour, log: Log): void {
  const reader = parser();
  let client: Client | undefined;
  let protocolVersion = 4;
  const send = (packet: Packet) => socket.writable && socket.write(generate(packet, { protocolVersion }));
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => {
    log.bytes += data.length;
    reader.parse(data);
  });
  reader.on('packet', (packet: Packet) => {
    if (packet.cmd === 'connect') {
      protocolVersion = packet.protocolVersion ?? 4;
      client = clientOf(socket, packet, send);
      log.connects.push({ id: client.id, certificateId: client.certificateId, alpn: socket.alpnProtocol });
      answerConnect(client, behaviour.connect?.(client) ?? 'accept', send);
    } else if (client !== undefined) answer(client, packet, { behaviour, log, send });
  });
}

type Send = (packet: Packet) => unknown;

function answerConnect({ socket }: Client, answer: ReturnType<NonNullable<Behaviour['connect']>>, send: Send): void {
  if (answer === 'silence') return;
  if (answer === 'close') socket.end();
  else if (answer === 'reset') socket.destroy();
  else {
    const code = answer === 'accept' ? 0 : answer;
    send({ cmd: 'connack', sessionPresent: false, returnCode: code, reasonCode: code });
  }
}

interface Answering {
  readonly behaviour: Behaviour;
  readonly log: Log;
  readonly send: Send;
}

function answer(client: Client, packet: Packet, { behaviour, log, send }: Answering): void {
  if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' });
  if (packet.cmd === 'disconnect') client.socket.end();
  if (packet.cmd === 'subscribe') {
    const topics = packet.subscriptions.map(({ topic }) => topic);
    log.subscriptions.push(...topics);
    const granted = topics.map((topic) => (behaviour.grant?.(topic) === false ? 128 : 1));
    for (const [index, topic] of topics.entries()) if (granted[index] === 1) client.topics.add(topic);
    send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
  }
  if (packet.cmd !== 'publish') return;
  const message = { topic: packet.topic, payload: Buffer.from(packet.payload) };
  if (packet.qos === 1 && behaviour.acknowledge?.(message) !== false)
    send({ cmd: 'puback', messageId: packet.messageId ?? 0 });
  behaviour.heard?.(client, message);
}

function clientOf(socket: TLSSocket, { clientId }: IConnectPacket, send: Send): Client {
  const certificateId = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase();
  const topics = new Set<string>();
  return {
    id: clientId,
    certificateId,
    socket,
    topics,
    say: (topic, body) => {
      if (!topics.has(topic)) return;
      const payload = typeof body === 'string' ? body : JSON.stringify(body);
      send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
    },
  };
}

export interface ServerWishes {
  readonly names?: readonly string[];
  /** Self-signed: null. */
  readonly issuer?: Crafted | null;
  readonly notAfter?: string;
}

export const SERVER_ROOT = craftAuthority({ name: 'Broker Root', notBefore: '2020-01-01T00:00:00Z' });

export function makeServer({ names = [ENDPOINT], issuer = SERVER_ROOT, notAfter }: ServerWishes = {}): Crafted {
  const name = 'broker';
  const own = keysOf(name);
  const sans = names.map((one) => tlv(0x82, Buffer.from(one, 'latin1')));
  return craft({
    name,
    ...(issuer === null ? {} : { issuer }),
    notBefore: '2020-01-01T00:00:00Z',
    ...(notAfter === undefined ? {} : { notAfter }),
    extensions: [
      basic(false),
      keyUsage('digitalSignature'),
      purposes(SERVER_AUTH),
      extension('551d11', tlv(0x30, ...sans)),
      ...keyIds(own, issuer?.keys ?? own),
    ],
  });
}

export function tlsOf(server: Crafted): TlsOptions {
  return { cert: pemOf(server), key: keyOf(server) };
}

export function pemOf({ certificate }: Pick<Crafted, 'certificate'>): string {
  return certificate.x509.toString();
}

export function keyOf({ keys }: Pick<Crafted, 'keys'>): string {
  return keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}
