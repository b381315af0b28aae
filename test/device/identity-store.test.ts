// Does a device know who it is after any power cut, and does it keep that from others?
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { nodeDisk } from '../../device/disk.ts';
import { withAnswer, withConfirmed, withRequest, type DeviceState } from '../../device/identities.ts';
import { openIdentityStore } from '../../device/identity-store.ts';
import { makeRequest } from '../../device/request.ts';
import { CURRENT, IN_USE, makeOperational } from './operational.ts';
import { PowerCut, PowerDisk } from './power-disk.ts';
import { issue, OWNER } from './small-service.ts';
import { FACTORY, FOLDER, ID } from './stage.ts';

/** Every change in the life of a device. */
async function lifeOfStates(): Promise<readonly DeviceState[]> {
  const requested = await makeRequest(ID);
  const { body } = issue(ID, Buffer.from(requested.csr, 'base64url'));
  const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(body.certificate, 'base64url').toString('base64')}\n-----END CERTIFICATE-----\n`;
  const asked = withRequest(IN_USE, requested);
  const answered = withAnswer(asked, {
    certificate: pem,
    renewFrom: body.renewFrom,
    root: OWNER.root.der.toString('base64url'),
  });
  return [IN_USE, asked, answered, withConfirmed(answered, 'next')];
}

describe('the store of identities', () => {
  test('a power cut at every step leaves the old state or the new one, which opens (T087)', async () => {
    const states = await lifeOfStates();
    let cuts = 0;
    for (const [index, next] of states.entries()) {
      const old = states[index - 1] ?? {};
      for (let cutAt = 2; cutAt < 7; cutAt += 0.5) {
        for (const remains of cut(old, next, cutAt)) {
          cuts += 1;
          const state = openIdentityStore(FOLDER, FACTORY, new PowerDisk(Infinity, remains)).state();
          expect([old, next]).toContainEqual(state);
        }
      }
    }
    expect(cuts).toBeGreaterThan(4 * 10);
  });

  test('after a change that returned no cut takes the new state away', async () => {
    const [, asked = {}] = await lifeOfStates();
    const disk = new PowerDisk();
    openIdentityStore(FOLDER, FACTORY, disk).change(asked);
    for (const remains of disk.remains())
      expect(openIdentityStore(FOLDER, FACTORY, new PowerDisk(Infinity, remains)).state()).toEqual(asked);
  });

  test('on a real disk only this user reads it, also where a draft lay about that others could read', () => {
    const folder = join(newFolder(), 'device');
    const store = openIdentityStore(folder, FACTORY, nodeDisk);
    writeFileSync(join(folder, '.identity.json.draft'), 'old', { mode: 0o644 });
    store.change(IN_USE);
    expect(openIdentityStore(folder, FACTORY, nodeDisk).state()).toEqual(IN_USE);
    const modes = [folder, join(folder, 'identity.json')].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600]);
    expect(readFileSync(join(folder, 'identity.json'), 'utf8')).not.toContain(FACTORY.key);
  });

  test('refuses what is damaged, of another device, or a key that is not its certificate’s', () => {
    const open = (file: object | string, factory = FACTORY) => {
      const text = typeof file === 'string' ? file : JSON.stringify({ version: 1, id: ID, ...file });
      const disk = new PowerDisk(Infinity, new Map([[`${FOLDER}/identity.json`, text]]));
      return () => openIdentityStore(FOLDER, factory, disk);
    };
    const other = makeOperational('other');
    expect(open(IN_USE)).not.toThrow();
    expect(open('{')).toThrow('is damaged');
    expect(open({ ...IN_USE, version: 2 })).toThrow('is damaged');
    expect(open({ ...IN_USE, more: 1 })).toThrow('is damaged');
    expect(open({ ...IN_USE, id: 'acme-0002' })).toThrow('expected the identities of "acme-0001"');
    expect(open({ current: { ...CURRENT, key: other.key } })).toThrow('current: the key is not the certificate');
    expect(open({}, { ...FACTORY, key: other.key })).toThrow('the factory identity: the key is not');
  });
});

/** What may be on the disk when the power goes at this step of the change; the store was opened in the first two. */
function cut(old: DeviceState, next: DeviceState, at: number): readonly ReadonlyMap<string, string>[] {
  const before = new Map(
    Object.keys(old).length === 0 ? [] : [[`${FOLDER}/identity.json`, JSON.stringify({ version: 1, id: ID, ...old })]],
  );
  const disk = new PowerDisk(at, before);
  const store = openIdentityStore(FOLDER, FACTORY, disk);
  expect(() => {
    store.change(next);
  }).toThrow(PowerCut);
  expect(store.state()).toEqual(old);
  return disk.remains();
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wardkey-device-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
