// Is this the server we mean? TLS whose server was verified before anything of MQTT is made, let alone sent (T151).
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

import type { Broker, Identity } from './connect.ts';

/**
 * Throws when there is no route, when the server is not the one we mean, and when the signal ends the try. The device's
 * certificate, which holds its id and no secret, is part of the handshake; nothing else is sent before the server is verified.
 */
export function openSecureSocket(broker: Broker, identity: Identity, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(secureOptions(broker, identity));
    const giveUp = () => socket.destroy(new Error('no connection in time'));
    const leave = (error?: Error) => {
      signal.removeEventListener('abort', giveUp);
      reject(error ?? new Error('closed during the handshake'));
    };
    socket.on('error', leave);
    socket.once('close', () => {
      leave();
    });
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', giveUp);
      resolve(socket);
    });
    signal.addEventListener('abort', giveUp, { once: true });
  });
}

function secureOptions({ host, port, endpoint, ca, alpn }: Broker, { certificate, key }: Identity): ConnectionOptions {
  // Node would take an empty list for the authorities of the whole Web.
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('expected the authorities of the broker, in PEM');
  return {
    host,
    port,
    servername: endpoint,
    ca,
    cert: certificate,
    key,
    // Whatever the environment says (NODE_TLS_REJECT_UNAUTHORIZED): another server is told nothing (T151).
    rejectUnauthorized: true,
    // RFC 8996: TLS 1.1 must not be used (T151).
    minVersion: 'TLSv1.2',
    ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
  };
}
