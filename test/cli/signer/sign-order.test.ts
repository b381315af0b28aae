// What does a signer beside an HSM sign? What its own issuing CA may issue, for the intent that the order names, and nothing else.
import { describe, expect, test } from 'vitest';

import { signOrder, type ServedKey } from '../../../cli/signer/sign-order.ts';
import { readIssuer } from '../../../shared/issuance/issuer.ts';
import { prepareRevocationList } from '../../../shared/issuance/prepare-list.ts';
import { verifyAnswer } from '../../../shared/signing/verified-signature.ts';
import { issueCertificate } from '../../../functions/issuance/issue-certificate/flow.ts';
import { askFor, holdCeremony, makeIssuanceScene, registerPump, valueOf } from '../../functions/issuance-scene.ts';

const HOME = { kind: 'pkcs11', name: 'issuing' } as const;

/** An order as the service sends it, and the key that it is for. */
async function orderScene() {
  const scene = await makeIssuanceScene({ home: HOME });
  const pump = await registerPump(scene);
  valueOf(await issueCertificate(await askFor(scene, pump.id), scene));
  const [order] = scene.signing.requested;
  if (order === undefined) throw new Error('expected an order');
  const issuer = valueOf(readIssuer(scene.ceremony.issuing.certificate));
  const key: ServedKey = { name: HOME.name, signer: scene.ceremony.issuingSigner, issuer };
  return { order, key, pump };
}

const tbsOf = (base64: string) => Buffer.from(base64, 'base64');

describe('a signer beside an HSM', () => {
  test('signs an operational certificate of its issuing CA, for the device of the intent', async () => {
    const { order, key } = await orderScene();
    const signed = await signOrder(JSON.stringify(order), [key]);
    if (signed === 'elsewhere' || signed.outcome === 'refused') throw new Error('expected a signature');
    expect(signed.value.intent).toEqual(order.intent);
    const { algorithm, publicKey } = key.issuer;
    const signature = tbsOf(signed.value.signature);
    expect(() => verifyAnswer({ algorithm, publicKey, signed: tbsOf(order.tbs), signature })).not.toThrow();
  });

  test('signs a revocation list under the number of the intent, and under no other', async () => {
    const { key } = await orderScene();
    const times = { thisUpdate: '2026-11-24T12:00:00.000Z', nextUpdate: '2026-12-01T12:00:00.000Z' };
    const list = valueOf(prepareRevocationList({ issuer: key.issuer, number: 7, ...times, revoked: [] }));
    const issuer = key.issuer.certificate.fingerprint;
    const orderOf = (number: number) =>
      JSON.stringify({
        intent: { kind: 'list', issuer, number },
        key: HOME.name,
        algorithm: 'ES256',
        tbs: Buffer.from(list.tbs).toString('base64'),
      });
    expect(await signOrder(orderOf(7), [key])).toMatchObject({ outcome: 'done' });
    expect(await signOrder(orderOf(8), [key])).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });

  test('leaves an order for another key to whoever has it', async () => {
    const { order, key } = await orderScene();
    expect(await signOrder(JSON.stringify({ ...order, key: 'another' }), [key])).toBe('elsewhere');
  });

  test.each([
    ['for another device than the certificate', { intent: { kind: 'certificate', device: 'acme-P9', requestId: 'a' } }],
    ['of bytes that are no certificate', { tbs: Buffer.from('anything').toString('base64') }],
    ['of a message that somebody wants signed', { tbs: Buffer.alloc(600, 0x30).toString('base64') }],
  ])('refuses an order %s, and its token is not asked', async (_title, changed) => {
    const { order, key } = await orderScene();
    const before = key.signer as unknown as { readonly signed: readonly unknown[] };
    const count = before.signed.length;
    const answer = await signOrder(JSON.stringify({ ...order, ...changed }), [key]);
    expect(answer).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(before.signed).toHaveLength(count);
  });

  test('refuses a certificate of the profile that another authority would issue', async () => {
    const { order, key } = await orderScene();
    const other = await holdCeremony({ home: HOME, name: 'second' });
    const issuer = valueOf(readIssuer(other.issuing.certificate));
    const stranger = { ...key, signer: other.issuingSigner, issuer };
    expect(await signOrder(JSON.stringify(order), [stranger])).toMatchObject({
      refusal: { reason: 'request-malformed' },
    });
  });

  test('refuses an order under another algorithm than its key has', async () => {
    const { order, key } = await orderScene();
    expect(await signOrder(JSON.stringify({ ...order, algorithm: 'ES384' }), [key])).toMatchObject({
      refusal: { reason: 'key-unfit', key: HOME.name },
    });
  });

  test.each(['', 'no', '{}', '{"intent":{"kind":"list"}}'])('refuses what is no order: %j', async (body) => {
    expect(await signOrder(body, [])).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });

  test('throws what its token throws, so that the order stays where it is', async () => {
    const { order, key } = await orderScene();
    const away = { ...key.signer, algorithm: 'ES256', publicKey: () => Promise.reject(new Error('away')) } as const;
    await expect(
      signOrder(JSON.stringify(order), [{ ...key, signer: { ...away, sign: () => away.publicKey() } }]),
    ).rejects.toThrow('away');
  });
});
