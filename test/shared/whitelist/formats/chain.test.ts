// Does a device stand under an authority of its own manufacturer, link by link, and by no other way?
import { beforeAll, describe, expect, test } from 'vitest';

import type { Anchor } from '../../../../shared/identity/anchor.ts';
import { findPath } from '../../../../shared/whitelist/formats/chain.ts';
import { anchorOf, makeAuthority, makeDevice, type Party } from '../../../pki/certificates.ts';
import { craft, craftAuthority, keyUsage } from '../../../pki/crafted.ts';
import { makeIntermediate, makeWeakHouse } from '../../../pki/intermediate.ts';

let root: Party;
let upper: Party;
let lower: Party;
let lowest: Party;

beforeAll(async () => {
  root = await makeAuthority('Chain Root');
  upper = await makeIntermediate(root, 'Upper');
  lower = await makeIntermediate(upper, 'Lower');
  lowest = await makeIntermediate(lower, 'Lowest');
});

const NOW = '2026-11-24T12:00:00.000Z';

function find(
  leaf: Party,
  chain: readonly Party[],
  anchors: readonly Anchor[] = [anchorOf(root, 'authority')],
): string {
  const path = { certificate: leaf.certificate, chain: chain.map(({ certificate }) => certificate) };
  const found = findPath(path, { anchors, manufacturer: 'acme', now: NOW });
  return found.outcome === 'done' ? found.value.anchor.certificate.x509.subject : found.refusal.reason;
}

test('finds the anchor that issued the device', async () => {
  expect(find(await makeDevice(root, 'A1'), [])).toBe('CN=Chain Root');
});

test('finds the anchor above one and above two issuers', async () => {
  expect(find(await makeDevice(upper, 'A1'), [upper])).toBe('CN=Chain Root');
  expect(find(await makeDevice(lower, 'A1'), [lower, upper])).toBe('CN=Chain Root');
});

test('goes no further than three links', async () => {
  expect(find(await makeDevice(lowest, 'A1'), [lowest, lower, upper])).toBe('path-too-long');
});

test('the anchor may stand in the chain too: that changes nothing', async () => {
  expect(find(await makeDevice(upper, 'A1'), [upper, root])).toBe('CN=Chain Root');
});

test('an authority between, pinned itself, ends the chain', async () => {
  expect(find(await makeDevice(lower, 'A1'), [lower, upper], [anchorOf(upper, 'root')])).toBe('CN=Upper');
});

describe('refuses', () => {
  test('a device without anchors: absence is no permission', async () => {
    expect(find(await makeDevice(root, 'A1'), [], [])).toBe('issuer-unknown');
  });

  test('a chain whose end is only said to be the anchor', async () => {
    const impostor = await makeAuthority('Chain Root', { key: 'impostor' });
    expect(find(await makeDevice(impostor, 'A1'), [impostor])).toBe('issuer-unknown');
  });

  test('a chain with an issuer left out; their order does not matter', async () => {
    const leaf = await makeDevice(lower, 'A1');
    expect(find(leaf, [upper, lower])).toBe('CN=Chain Root');
    expect(find(leaf, [upper])).toBe('issuer-unknown');
    expect(find(leaf, [lower])).toBe('issuer-unknown');
  });

  test('T026 an issuer that is no certificate authority', async () => {
    const device = await makeIntermediate(root, 'Not an authority', { ca: false });
    expect(find(await makeDevice(device, 'A1'), [device])).toBe('not-an-authority');
  });

  test('T017 an authority with a weak key, pinned or not', async () => {
    const weak = await makeWeakHouse();
    expect(weak.device.certificate.x509.verify(weak.root.certificate.x509.publicKey)).toBe(true);
    expect(find(weak.device, [], [anchorOf(weak.root, 'authority')])).toBe('key-unsupported');
  });

  test.each(['signer', 'voucher'] as const)('an anchor that is trusted as %s', async (purpose) => {
    expect(find(await makeDevice(root, 'A1'), [], [anchorOf(root, purpose)])).toBe('issuer-unknown');
  });

  test('an anchor of another manufacturer', async () => {
    expect(find(await makeDevice(root, 'A1'), [], [anchorOf(root, 'authority', 'other')])).toBe('issuer-unknown');
  });

  test('T003 an authority of the same name with another key is another authority', async () => {
    const twin = await makeAuthority('Chain Root', { key: 'twin' });
    expect(find(await makeDevice(root, 'A1'), [], [anchorOf(twin, 'authority')])).toBe('issuer-unknown');
    expect(find(await makeDevice(root, 'A1'), [], [anchorOf(twin, 'root')])).toBe('issuer-unknown');
  });

  test('T030 under an authority a device that does not say it is one; chips under a root need not', () => {
    const issuer = craftAuthority({ name: 'Crafted Root' });
    const { certificate } = craft({ name: 'A1', issuer, extensions: [keyUsage('digitalSignature')] });
    const outcomes = (['authority', 'root'] as const).map((purpose) => {
      const anchors = [{ version: 1, purpose, manufacturer: 'acme', certificate: issuer.certificate }];
      return findPath({ certificate, chain: [] }, { anchors, manufacturer: 'acme', now: NOW });
    });
    expect(outcomes).toMatchObject([{ refusal: { reason: 'usage-differs' } }, { outcome: 'done' }]);
  });

  test('T029 what is not valid at the time of the import', async () => {
    expect(find(await makeDevice(root, 'A1', { notAfter: '2026-02-01T00:00:00Z' }), [])).toBe('certificate-expired');
    expect(find(await makeDevice(root, 'A1', { notBefore: '2027-02-01T00:00:00Z' }), [])).toBe(
      'certificate-not-yet-valid',
    );
  });

  test('T039 a certificate that issued itself, over and over', async () => {
    const self = await makeDevice(await makeAuthority('Circle'), 'Circle', { key: 'CN=Circle' });
    expect(find(self, [self, self, self, self])).toBe('issuer-unknown');
  });
});
