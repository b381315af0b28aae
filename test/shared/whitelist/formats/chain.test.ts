// Does a device stand under an authority of its own manufacturer, link by link, and by no other way?
import { beforeAll, describe, expect, test } from 'vitest';

import type { Anchor } from '../../../../shared/identity/anchor.ts';
import { isIssuedBy } from '../../../../shared/identity/certificate.ts';
import { findAnchor } from '../../../../shared/whitelist/formats/chain.ts';
import { anchorOf, makeAuthority, makeDevice, makeSigner, type Party } from '../../../pki/certificates.ts';
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

function find(
  leaf: Party,
  chain: readonly Party[],
  anchors: readonly Anchor[] = [anchorOf(root, 'authority')],
): string {
  const path = { certificate: leaf.certificate, chain: chain.map(({ certificate }) => certificate) };
  const found = findAnchor(path, anchors, 'acme');
  return found.outcome === 'done' ? found.value.certificate.x509.subject : found.refusal.reason;
}

test('finds the anchor that issued the device', async () => {
  expect(find(await makeDevice(root, 'A1'), [])).toBe('CN=Chain Root');
});

test('finds the anchor above one and above two issuers', async () => {
  expect(find(await makeDevice(upper, 'A1'), [upper])).toBe('CN=Chain Root');
  expect(find(await makeDevice(lower, 'A1'), [lower, upper])).toBe('CN=Chain Root');
});

test('goes no further than three links', async () => {
  expect(find(await makeDevice(lowest, 'A1'), [lowest, lower, upper])).toBe('issuer-unknown');
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

  test('issuers in another order, or with one left out', async () => {
    const leaf = await makeDevice(lower, 'A1');
    expect(find(leaf, [upper, lower])).toBe('issuer-unknown');
    expect(find(leaf, [upper])).toBe('issuer-unknown');
    expect(find(leaf, [lower])).toBe('issuer-unknown');
  });

  test('T026 an issuer that is no certificate authority', async () => {
    const device = await makeIntermediate(root, 'Not an authority', { ca: false });
    expect(find(await makeDevice(device, 'A1'), [device])).toBe('issuer-unknown');
  });

  test('T017 an authority with a weak key, pinned or not', async () => {
    const weak = await makeWeakHouse();
    expect(isIssuedBy(weak.device.certificate, weak.root.certificate)).toBe(true);
    expect(find(weak.device, [], [anchorOf(weak.root, 'authority')])).toBe('issuer-unknown');
  });

  test.each(['signer', 'voucher'] as const)('an anchor that is trusted as %s', async (purpose) => {
    expect(find(await makeDevice(root, 'A1'), [], [anchorOf(root, purpose)])).toBe('issuer-unknown');
  });

  test('an anchor of another manufacturer', async () => {
    expect(find(await makeDevice(root, 'A1'), [], [anchorOf(root, 'authority', 'other')])).toBe('issuer-unknown');
  });

  test('T039 a certificate that issued itself, over and over', async () => {
    const self = await makeAuthority('Circle');
    expect(find(self, [self, self, self, self])).toBe('issuer-unknown');
    expect(find(await makeSigner('Alone'), [])).toBe('issuer-unknown');
  });
});
