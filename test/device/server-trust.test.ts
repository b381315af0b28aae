// To whom does a device speak? To the server it means, and to nobody else.
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { connectOnce, throughPort443 } from '../../device/connect.ts';
import { craftAuthority } from '../pki/crafted.ts';
import { IN_USE } from './operational.ts';
import { ENDPOINT, makeServer, startBroker, tlsOf } from './small-broker.ts';
import { FACTORY, setStage } from './stage.ts';

const OLD_TLS = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
const IMPOSTORS = {
  'a certificate of another CA': tlsOf(makeServer({ issuer: craftAuthority({ name: 'Other Root' }) })),
  'a certificate of another host': tlsOf(makeServer({ names: ['other-ats.iot.eu-central-1.amazonaws.com'] })),
  'an expired certificate': tlsOf(makeServer({ notAfter: '2021-01-01T00:00:00Z' })),
  'a self-signed certificate': tlsOf(makeServer({ issuer: null })),
  'TLS 1.1 at most': { ...tlsOf(makeServer()), ...OLD_TLS },
};

// As loose as a device's Node can be: what refuses is the agent.
const defaults = { DEFAULT_MIN_VERSION: tls.DEFAULT_MIN_VERSION, DEFAULT_CIPHERS: tls.DEFAULT_CIPHERS };
beforeAll(() => {
  Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0' });
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
});
afterAll(() => {
  Object.assign(tls, defaults);
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
});

describe('the server', () => {
  test.for(Object.entries(IMPOSTORS))(
    'one with %s is sent nothing, is tried again, and does not count as a refusal (T151)',
    async ([, server]) => {
      const small = await startBroker({}, server);
      const stage = setStage(small.broker, { mostRefusals: 1 });
      stage.store.change(IN_USE);
      const run = stage.agent.run(stage.stop.signal);
      for (let times = 0; times < 3; times += 1) await stage.until('unreachable');
      stage.stop.abort();
      await run;
      expect([small.bytes(), small.connects]).toEqual([0, []]);
      expect(small.arrivals()).toBeGreaterThanOrEqual(3);
      const tried = stage.events.filter(({ event }) => event === 'connecting');
      expect(tried).toMatchObject([{ role: 'current' }, { role: 'current' }, { role: 'current' }]);
      expect(stage.events.map(({ event }) => event)).not.toContain('closed');
    },
  );

  test('the one it means is accepted, also with these defaults, and is told the full endpoint name (SNI)', async () => {
    let name: unknown;
    const small = await startBroker({
      connect: ({ socket }) => {
        name = (socket as { readonly servername?: string }).servername;
        return 'accept';
      },
    });
    const connection = await connectOnce(small.broker, FACTORY);
    expect(connection.outcome).toBe('accepted');
    if (connection.outcome === 'accepted') await connection.session.close();
    expect([name, small.connects[0]?.alpn]).toEqual([ENDPOINT, false]);
  });

  test('a device without authorities for its broker trusts nobody, not everybody', async () => {
    const small = await startBroker();
    for (const ca of ['', 'not PEM'])
      expect(await connectOnce({ ...small.broker, ca }, FACTORY)).toMatchObject({ outcome: 'closed', by: 'network' });
    expect([small.arrivals(), small.bytes()]).toEqual([0, 0]);
  });

  test('through port 443 it names MQTT in the handshake (ALPN)', async () => {
    const small = await startBroker({}, { ...tlsOf(makeServer()), ALPNProtocols: ['http/1.1', 'x-amzn-mqtt-ca'] });
    const broker = throughPort443(small.broker);
    expect(broker.port).toBe(443);
    const connection = await connectOnce({ ...broker, port: small.broker.port }, FACTORY);
    if (connection.outcome === 'accepted') await connection.session.close();
    expect(small.connects).toMatchObject([{ alpn: 'x-amzn-mqtt-ca' }]);
  });
});
