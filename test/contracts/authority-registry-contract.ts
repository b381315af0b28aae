// What must every register of manufacturer CAs do?
import { describe, expect, test } from 'vitest';

import type { AuthorityRegistry } from '../../shared/ports.ts';
import { makeAuthority, makeDevice, makeSigner, type Party } from '../pki/certificates.ts';

/** Promises that a stage is known not to keep, each with the reason; they are proved on the other stages only. */
export type AuthorityRegistryBeyond = Partial<Record<'only-authorities', string>>;

export interface AuthorityRegistryStage {
  readonly authorities: () => AuthorityRegistry;
  /** Called with every id that was registered, so that it is removed at the end. */
  readonly registered: (caCertificateId: string) => void;
  /** Whether new certificates may enter under the CA. */
  readonly isOpen: (caCertificateId: string) => Promise<boolean>;
  /** A device's certificate enters under a registered CA; answers its certificateId. */
  readonly enter: (device: Party, authority: Party) => Promise<string>;
  readonly beyond: AuthorityRegistryBeyond;
}

const ABSENT = 'f'.repeat(64);

export function authorityRegistryContract(name: string, stage: AuthorityRegistryStage): void {
  const { authorities, isOpen, enter } = stage;

  async function register(party: Party): Promise<string> {
    const id = await authorities().register(party.pem);
    stage.registered(id);
    return id;
  }

  describe(`authority registry contract: ${name}`, () => {
    test('registers a CA with auto-registration, also when it was done before, under one id', async () => {
      const party = await makeAuthority(`${name} registers`);
      const id = await register(party);
      expect(await register(party)).toBe(id);
      expect(await authorities().isRegistered(id)).toBe(true);
      expect(await isOpen(id)).toBe(true);
    });

    test('registers the issuing CA of an owner so that nothing enters by connecting, whatever it was before', async () => {
      const party = await makeAuthority(`${name} issues`);
      const id = await authorities().registerIssuing(party.pem);
      stage.registered(id);
      expect([await authorities().isRegistered(id), await isOpen(id)]).toEqual([true, false]);
      expect(await authorities().registerIssuing(party.pem)).toBe(id);
      expect(await isOpen(id)).toBe(false);
      // As if somebody had opened it at the console.
      await authorities().setRegistration(id, 'enter');
      expect(await authorities().registerIssuing(party.pem)).toBe(id);
      expect(await isOpen(id)).toBe(false);
    });

    if (stage.beyond['only-authorities'] === undefined) {
      test('registers no certificate that is no authority', async () => {
        await expect(authorities().register((await makeSigner()).pem)).rejects.toThrow();
      });
    }

    test('registers no text that is no certificate', async () => {
      await expect(authorities().register('no certificate')).rejects.toThrow();
    });

    test('lets nothing enter after registration was stopped, until it is registered again', async () => {
      const party = await makeAuthority(`${name} stops`);
      const id = await register(party);
      await authorities().stopRegistration(id);
      expect(await isOpen(id)).toBe(false);
      expect(await authorities().isRegistered(id)).toBe(true);
      await register(party);
      expect(await isOpen(id)).toBe(true);
    });

    test('lets nothing enter for a while and then again, as often as it is told; the CA stays registered', async () => {
      const id = await register(await makeAuthority(`${name} pauses`));
      for (const may of ['not-enter', 'not-enter', 'enter', 'enter', 'not-enter'] as const) {
        await authorities().setRegistration(id, may);
        expect(await isOpen(id)).toBe(may === 'enter');
        expect(await authorities().isRegistered(id)).toBe(true);
      }
    });

    test('leaves those that entered before as they are when nothing more may enter', async () => {
      const party = await makeAuthority(`${name} keeps`);
      const id = await register(party);
      const entered = await enter(await makeDevice(party, `${name} K1`), party);
      await authorities().setRegistration(id, 'not-enter');
      expect(await authorities().listCertificates(id)).toEqual([entered]);
    });

    test('names the certificates that entered under a CA, and no others', async () => {
      const [one, other] = [await makeAuthority(`${name} one`), await makeAuthority(`${name} other`)];
      const [id, otherId] = [await register(one), await register(other)];
      const entered = [
        await enter(await makeDevice(one, `${name} A1`), one),
        await enter(await makeDevice(one, `${name} A2`), one),
      ];
      const elsewhere = await enter(await makeDevice(other, `${name} B1`), other);
      expect([...(await authorities().listCertificates(id))].sort()).toEqual(entered.sort());
      expect(await authorities().listCertificates(otherId)).toEqual([elsewhere]);
    });

    test('removes a CA, active or not; removing it again is fine', async () => {
      const party = await makeAuthority(`${name} removes`);
      for (const stopped of [false, true]) {
        const id = await register(party);
        if (stopped) await authorities().stopRegistration(id);
        await authorities().remove(id);
        await authorities().remove(id);
        expect(await authorities().isRegistered(id)).toBe(false);
      }
    });

    test('a CA that is absent is not registered, has no certificates, and is stopped, opened and removed without a word', async () => {
      expect(await authorities().isRegistered(ABSENT)).toBe(false);
      expect(await authorities().listCertificates(ABSENT)).toEqual([]);
      await authorities().stopRegistration(ABSENT);
      for (const may of ['enter', 'not-enter'] as const) await authorities().setRegistration(ABSENT, may);
      await authorities().remove(ABSENT);
      expect(await authorities().isRegistered(ABSENT)).toBe(false);
    });
  });
}
