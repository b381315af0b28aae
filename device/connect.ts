// How does a device reach its broker? MQTT over mutual TLS; at the first connect it is closed, and asks again.
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

export interface Broker {
  /** Where the TCP connection goes. */
  readonly host: string;
  readonly port: number;
  /** The full endpoint name: sent as SNI, which AWS IoT Core needs to find the account, and checked in its certificate. */
  readonly endpoint: string;
  /** PEM; the authorities behind the broker's own certificate. */
  readonly ca: string;
}

export interface Identity {
  /** Thing name and MQTT client id. */
  readonly id: string;
  /** PEM */
  readonly certificate: string;
  readonly key: string;
}

export interface Session {
  close(): Promise<void>;
}

export type Connection =
  | { readonly outcome: 'accepted'; readonly session: Session }
  /** The broker closed it: not registered yet, not admitted, or another client id than its own. */
  | { readonly outcome: 'closed'; readonly problem: string };

const CONNECT_TIMEOUT_MS = 10_000;

/** One try. A closed connection is an answer; only a broker that cannot be reached or trusted is an error. */
export function connectOnce(broker: Broker, { id, certificate, key }: Identity): Promise<Connection> {
  const options: IClientOptions = {
    protocol: 'mqtts',
    host: broker.host,
    port: broker.port,
    servername: broker.endpoint,
    ca: broker.ca,
    cert: certificate,
    key,
    rejectUnauthorized: true,
    clientId: id,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
  };
  return awaitAnswer(connect(options));
}

/** IoT Core closes an unregistered device without a CONNACK: the close itself is the answer. */
function awaitAnswer(client: MqttClient): Promise<Connection> {
  let problem = new Error('closed without an answer');
  return new Promise((resolve, reject) => {
    client.once('connect', () => {
      resolve({ outcome: 'accepted', session: { close: () => client.endAsync() } });
    });
    client.on('error', (error) => {
      problem = error;
    });
    client.once('close', () => {
      client.end(true);
      if (isUnreachable(problem)) reject(problem);
      else resolve({ outcome: 'closed', problem: problem.message });
    });
  });
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
