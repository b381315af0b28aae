// T040: is nobody admitted whose certificate, or whose issuer, its maker has taken back, and what if nobody can say?
import { describe, expect, test } from 'vitest';

import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { anchorClaimKey } from '../../../../shared/identity/anchor.ts';
import { revocationListKey, revokedKey, type ChainLink } from '../../../../shared/identity/revocation.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import { gapsIn, kindsOf, makeScene, NOW, ownPump, readDevice, type Pump, type Scene } from '../../scene.ts';
import { certificateRow, daysAfter, noticeOf } from './notices.ts';

const FRESH = '2026-12-01T00:00:00.000Z';
const STALE = '2026-11-24T11:59:59.000Z';
const REVOKED_AT = '2026-11-01T00:00:00.000Z';

describe('T040 a device', () => {
  test('is admitted under fresh lists that do not name it, required or not', async () => {
    for (const required of [false, true]) {
      const { scene, links, connect } = await chainScene();
      if (required) requireLists(scene);
      for (const link of links) seedList(scene, link, FRESH);
      expect(await connect()).toBe('admitted');
    }
  });

  test('is admitted where no list is required and none is there', async () => {
    expect(await (await chainScene()).connect()).toBe('admitted');
  });

  test.each([
    ['own certificate', 0],
    ['issuer', 1],
  ])('whose %s was taken back is refused for good, and its certificate revoked', async (_name, position) => {
    const { scene, links, connect, pump } = await chainScene();
    const link = links[position];
    if (link === undefined) throw new Error('expected a link');
    for (const each of links) seedList(scene, each, FRESH);
    scene.registry.seed(revokedKey(link), { version: 1, revokedAt: REVOKED_AT, list: 'd'.repeat(64) });
    expect(await connect()).toBe('certificate-revoked');
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', version: 1 });
    expect(await certificateRow(scene, pump.certificateId)).toMatchObject({ wanted: 'revoked', brokerPending: NOW });
    expect(scene.alignments.requestedRevocations).toEqual([pump.certificateId]);
    expect(kindsOf(scene, `refusal/${pump.certificateId}/certificate-revoked/1`)).toEqual(['refused']);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('of the same serial number under another issuer is not the one that was taken back', async () => {
    const { scene, links, connect } = await chainScene();
    const other = { issuerKey: 'e'.repeat(64), serial: links[0]?.serial ?? '' };
    scene.registry.seed(revokedKey(other), { version: 1, revokedAt: REVOKED_AT, list: 'd'.repeat(64) });
    expect(await connect()).toBe('admitted');
  });

  test.each([
    ['its own issuer', 0],
    ['the issuer above', 1],
  ])(
    'is refused for now under a stale list of %s, required or not: an old list proves nothing',
    async (_name, position) => {
      for (const required of [false, true]) {
        const { scene, links, connect, pump } = await chainScene();
        if (required) requireLists(scene);
        for (const [index, link] of links.entries()) seedList(scene, link, index === position ? STALE : FRESH);
        expect(await connect()).toBe('crl-stale');
        const brokerPending = daysAfter(NOW, 30);
        expect(await certificateRow(scene, pump.certificateId)).toMatchObject({ wanted: 'absent', brokerPending });
      }
    },
  );

  test('is refused for now while a list that its anchor requires is missing, and admitted when it came', async () => {
    const { scene, links, connect } = await chainScene();
    requireLists(scene);
    const [own, above] = links;
    if (own === undefined || above === undefined) throw new Error('expected two links');
    expect(await connect()).toBe('crl-unavailable');
    seedList(scene, own, FRESH);
    scene.clock.advance(1000);
    expect(await connect()).toBe('crl-unavailable');
    seedList(scene, above, FRESH);
    scene.clock.advance(1000);
    expect(await connect()).toBe('admitted');
    expect(scene.alignments.requestedRevocations).toEqual([]);
  });

  test('that was admitted before its certificate was taken back is refused for good at its next registration', async () => {
    const { scene, links, connect, pump } = await chainScene();
    await connect();
    const [own] = links;
    if (own === undefined) throw new Error('expected a link');
    scene.registry.seed(revokedKey(own), { version: 1, revokedAt: REVOKED_AT, list: 'd'.repeat(64) });
    scene.clock.advance(1000);
    expect(await connect()).toBe('certificate-revoked');
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'registered', version: 2 });
    expect(scene.alignments.requestedRevocations).toEqual([pump.certificateId]);
  });
});

test.each<[string, (pump: Pump) => [ReturnType<typeof revokedKey> | ReturnType<typeof revocationListKey>, object]]>([
  ['revocation', ({ listing }) => [revokedKey(linkOf(listing.chain[0])), { version: 1, revokedAt: 'long ago' }]],
  ['list', ({ listing }) => [revocationListKey(linkOf(listing.chain[0]).issuerKey), { version: 1 }]],
])('a malformed %s row is a fault, never an absent one', async (_name, rowOf) => {
  const { scene, pump, connect } = await chainScene();
  scene.registry.seed(...rowOf(pump));
  await expect(connect()).rejects.toMatchObject({ code: 'row-malformed' });
});

/** An owned pump with an issuer between it and the anchor. */
async function chainScene() {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  const above = { ...linkOf(pump.listing.chain[0]), serial: '22', issuerKey: 'f'.repeat(64) };
  const links = [linkOf(pump.listing.chain[0]), above];
  scene.registry.seed(listingKey(pump.certificateId), { ...pump.listing, chain: links });
  const connect = async () => {
    const answer = await registerDevice(noticeOf(scene, pump, scene.clock.now()), scene);
    return answer.outcome === 'done' ? answer.value.verdict : answer.refusal.reason;
  };
  return { scene, pump, links, connect };
}

function linkOf(link: ChainLink | undefined): ChainLink {
  if (link === undefined) throw new Error('expected a link');
  return link;
}

function requireLists({ registry, authority }: Scene): void {
  const claim = { version: 1, purpose: 'authority', manufacturer: 'acme', revocation: 'required' };
  registry.seed(anchorClaimKey(authority.certificate.fingerprint), claim);
}

function seedList({ registry }: Scene, { issuerKey }: ChainLink, nextUpdate: string): void {
  const list = { version: 1, digest: 'd'.repeat(64), number: '7', thisUpdate: REVOKED_AT, nextUpdate };
  registry.seed(revocationListKey(issuerKey), list);
}
