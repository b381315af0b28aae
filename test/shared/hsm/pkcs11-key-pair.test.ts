// Is a signing key made once in its token, so that it cannot leave, whatever happens on the way? On SoftHSM and NSS.
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

import { ensureKeyPair } from '../../../shared/hsm/pkcs11-key-pair.ts';
import type { OpenSession } from '../../../shared/hsm/pkcs11-token.ts';
import { signVerified } from '../../../shared/signing/verified-signature.ts';
import type { SigningAlgorithm } from '../../../shared/ports.ts';
import {
  HAVE_NSS,
  HAVE_SOFTHSM,
  makeNss,
  makeSoftHsm,
  openKey,
  type TestToken,
} from '../../contracts/certificate-signer-tokens.ts';
import { Cleanup } from '../../contracts/local-aws.ts';

const BYTES = Buffer.from('a certificate to be signed');
const cleanup = new Cleanup();
afterAll(() => cleanup.run());

interface Dialect {
  readonly name: string;
  readonly here: boolean;
  readonly make: (cleanup: Cleanup) => TestToken;
  readonly algorithms: readonly SigningAlgorithm[];
}

const DIALECTS: readonly Dialect[] = [
  { name: 'SoftHSM', here: HAVE_SOFTHSM, make: makeSoftHsm, algorithms: ['ES256', 'ES384', 'EdDSA'] },
  { name: 'NSS', here: HAVE_NSS, make: makeNss, algorithms: ['ES256', 'ES384'] }, // NSS 3.87 has no Edwards curve
];

describe.each(DIALECTS)('$name', ({ here, make, algorithms }) => {
  describe.skipIf(!here)('makes a key', () => {
    let token: TestToken;

    beforeAll(() => {
      token = make(cleanup);
    });

    const open = (label: string, algorithm: SigningAlgorithm = 'ES256') => openKey(token, algorithm, { object: label });
    const use = <T>(work: (session: OpenSession) => T) => open('any').token.use(work);
    const ensure = (label: string, algorithm: SigningAlgorithm = 'ES256') =>
      ensureKeyPair({ token: open(label, algorithm).token, label, algorithm });
    const count = (label: string) => use((session) => [2, 3].map((kind) => find(session, kind, label).length));

    test.each(algorithms)('of %s once, that signs; a second call finds it', async (algorithm) => {
      expect(await ensure(algorithm, algorithm)).toBe('made');
      const { publicKey } = await signVerified(open(algorithm, algorithm).signer, BYTES);
      expect(await ensure(algorithm, algorithm)).toBe('found');
      expect(await open(algorithm, algorithm).signer.publicKey()).toEqual(publicKey);
      expect(await count(algorithm)).toEqual([1, 1]);
    });

    test.each(algorithms)('of %s that nobody can read', async (algorithm) => {
      await ensure(`closed ${algorithm}`, algorithm);
      await use((session) => {
        const [key] = find(session, PRIVATE_KEY, `closed ${algorithm}`);
        expect(() => session.pkcs11.C_GetAttributeValue(session.session, key ?? NONE, [{ type: CKA_VALUE }])).toThrow();
        expect(flagsOf(session, key ?? NONE)).toEqual({ private: 1, sensitive: 1, extractable: 0 });
      });
    });

    test('and takes it away again when somebody else made one at the same time; then that one is found', async () => {
      const library = await use(({ pkcs11 }) => pkcs11);
      const generate = library.C_GenerateKeyPair.bind(library);
      const spy = vi.spyOn(library, 'C_GenerateKeyPair').mockImplementation((session, mechanism, ours, kept) => {
        const id = { type: CKA_ID, value: Buffer.from('the other one') };
        generate(session, mechanism, [...ours.filter(notId), id], [...kept.filter(notId), id]);
        return generate(session, mechanism, ours, kept);
      });
      onTestFinished(() => {
        spy.mockRestore();
      });
      await expect(ensure('at once')).rejects.toMatchObject({ code: 'key-unusable' });
      expect(await count('at once')).toEqual([1, 1]);
      expect(await ensure('at once')).toBe('found');
      await signVerified(open('at once').signer, BYTES);
    });

    test('anew where only the public half of one was left, and signs with the new pair', async () => {
      await ensure('half');
      await use(({ pkcs11, session }) => {
        const [key] = find({ pkcs11, session }, PRIVATE_KEY, 'half');
        pkcs11.C_DestroyObject(session, key ?? NONE);
      });
      expect(await ensure('half')).toBe('made');
      expect(await count('half')).toEqual([2, 1]);
      await signVerified(open('half').signer, BYTES);
    });

    test('never beside one that may leave the token: it may be somewhere else already', async () => {
      await use((session) => {
        generateLoose(session, 'loose');
      });
      await expect(ensure('loose')).rejects.toMatchObject({ code: 'key-unusable' });
      expect(await count('loose')).toEqual([1, 1]);
    });

    test('and refuses one that the token made to leave, whatever it was told', async () => {
      const library = await use(({ pkcs11 }) => pkcs11);
      const generate = library.C_GenerateKeyPair.bind(library);
      const spy = vi.spyOn(library, 'C_GenerateKeyPair').mockImplementationOnce((session, mechanism, ours, kept) => {
        const loose = kept.map((attribute) =>
          attribute.type === CKA_EXTRACTABLE ? { ...attribute, value: true } : attribute,
        );
        return generate(session, mechanism, ours, loose);
      });
      onTestFinished(() => {
        spy.mockRestore();
      });
      await expect(ensure('disobeyed')).rejects.toThrow(/may leave its token/);
    });

    test('never where two have its name', async () => {
      for (let pair = 0; pair < 2; pair += 1)
        await use((session) => {
          generateLoose(session, 'twins');
        });
      await expect(ensure('twins')).rejects.toThrow(/expected one private key "twins" in the token, got more/);
      expect(await count('twins')).toEqual([2, 2]);
    });

    test('and, where the answer was lost, finds the one that the token had made', async () => {
      const library = await use(({ pkcs11 }) => pkcs11);
      const generate = library.C_GenerateKeyPair.bind(library);
      const spy = vi.spyOn(library, 'C_GenerateKeyPair').mockImplementationOnce((...words) => {
        generate(...words);
        throw new Error('CKR_DEVICE_ERROR:48');
      });
      onTestFinished(() => {
        spy.mockRestore();
      });
      expect(await ensure('lost')).toBe('found');
      expect(await count('lost')).toEqual([1, 1]);
    });
  });
});

/** Public or private keys of a label. */
function find({ pkcs11, session }: OpenSession, kind: number, label: string): readonly Buffer[] {
  pkcs11.C_FindObjectsInit(session, [
    { type: CKA_CLASS, value: kind },
    { type: CKA_LABEL, value: label },
  ]);
  const found = pkcs11.C_FindObjects(session, 10);
  pkcs11.C_FindObjectsFinal(session);
  return found;
}

function flagsOf({ pkcs11, session }: OpenSession, key: Buffer) {
  const types = [CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE].map((type) => ({ type }));
  const [isPrivate, sensitive, extractable] = pkcs11.C_GetAttributeValue(session, key, types);
  return { private: isPrivate?.value[0], sensitive: sensitive?.value[0], extractable: extractable?.value[0] };
}

/** A pair whose private half may be taken out, wrapped. */
function generateLoose({ pkcs11, session }: OpenSession, label: string): void {
  const both = [
    { type: CKA_TOKEN, value: true },
    { type: CKA_LABEL, value: label },
  ];
  const parameters = { type: CKA_EC_PARAMS, value: Buffer.from('06082a8648ce3d030107', 'hex') };
  const kept = [CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE].map((type) => ({ type, value: true }));
  pkcs11.C_GenerateKeyPair(session, { mechanism: 0x1040 }, [...both, parameters], [...both, ...kept]);
}

function notId({ type }: { readonly type: number }): boolean {
  return type !== CKA_ID;
}

// PKCS #11: the numbers of pkcs11t.h.
const PRIVATE_KEY = 3;
const CKA_CLASS = 0x00;
const CKA_TOKEN = 0x01;
const CKA_PRIVATE = 0x02;
const CKA_LABEL = 0x03;
const CKA_VALUE = 0x11;
const CKA_ID = 0x102;
const CKA_SENSITIVE = 0x103;
const CKA_EXTRACTABLE = 0x162;
const CKA_EC_PARAMS = 0x180;
const NONE = Buffer.alloc(8);
