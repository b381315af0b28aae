// Do all homes of a signing key keep the same promises? A key in this process, and tokens of two PKCS #11 dialects.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';

import { pkcs11Token, type OpenSession } from '../../shared/hsm/pkcs11-token.ts';
import { parsePkcs11Uri } from '../../shared/hsm/pkcs11-uri.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import type { SigningAlgorithm } from '../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../fakes/software-certificate-signer.ts';
import { certificateSignerContract } from './certificate-signer-contract.ts';
import {
  addSoftHsmToken,
  HAVE_NSS,
  HAVE_P11_KIT,
  HAVE_SOFTHSM,
  makeKey,
  makeNss,
  makeSoftHsm,
  openKey,
  TokenServer,
  uriOf,
  type TestToken,
} from './certificate-signer-tokens.ts';
import { Cleanup } from './local-aws.ts';

const EVERY: readonly SigningAlgorithm[] = ['ES256', 'ES384', 'EdDSA'];
const BYTES = Buffer.from('a certificate to be signed');
const cleanup = new Cleanup();
afterAll(() => cleanup.run());

const software = new Map(EVERY.map((algorithm) => [algorithm, new SoftwareCertificateSigner(algorithm)]));
certificateSignerContract('a key of this process', {
  algorithms: EVERY,
  signer: (algorithm) => software.get(algorithm) ?? new SoftwareCertificateSigner(algorithm),
});

describe.skipIf(!HAVE_SOFTHSM)('SoftHSM', () => {
  let token: TestToken;

  beforeAll(async () => {
    token = makeSoftHsm(cleanup);
    for (const algorithm of EVERY) await makeKey(token, algorithm);
  });

  certificateSignerContract('SoftHSM', {
    algorithms: EVERY,
    signer: (algorithm) => openKey(token, algorithm).signer,
  });

  test.each<[string, (session: OpenSession) => void]>([
    [
      'its session was closed',
      ({ pkcs11, session }) => {
        pkcs11.C_CloseSession(session);
      },
    ],
    [
      'its user was logged out',
      ({ pkcs11, session }) => {
        pkcs11.C_Logout(session);
      },
    ],
    ['its module was ended', end],
    ['a call was cut off', cutOff],
  ])('signs after %s', async (_what, lose) => {
    const { signer, token: opened } = openKey(token, 'ES256');
    await signVerified(signer, BYTES);
    await opened.use(lose);
    await signVerified(signer, BYTES);
  });

  test('never takes a handle of an earlier session for its own: the numbers come again, for other keys', async () => {
    const signers = (['ES256', 'ES384'] as const).map((algorithm) => openKey(token, algorithm));
    for (const { signer } of signers) await signVerified(signer, BYTES);
    for (const { token: lost } of signers) {
      await lost.use(end);
      for (const { signer } of [...signers].reverse()) await signVerified(signer, BYTES);
    }
  });

  test('opens read-write sessions only: AWS CloudHSM has no others', async () => {
    const opens = spyOn(await libraryOf(token), 'C_OpenSession');
    await openKey(token, 'ES256').signer.publicKey();
    expect(opens.mock.calls.map(([, flags]) => flags)).toEqual([6]);
  });

  test('finds the key of a token once, and signs with the handles it found', async () => {
    const { signer } = openKey(token, 'ES256');
    await signer.publicKey();
    const [finds, opens] = [
      spyOn(await libraryOf(token), 'C_FindObjectsInit'),
      spyOn(await libraryOf(token), 'C_OpenSession'),
    ];
    for (let count = 0; count < 3; count += 1) await signVerified(signer, BYTES);
    expect([finds.mock.calls, opens.mock.calls]).toEqual([[], []]);
  });

  test('refuses a key that is not there, and a name that two keys share', async () => {
    await expect(openKey(token, 'ES256', { object: 'nobody' }).signer.publicKey()).rejects.toMatchObject({
      code: 'key-unusable',
    });
    for (let count = 0; count < 2; count += 1) await makeKey(token, 'ES256', { object: 'twins' });
    await expect(openKey(token, 'ES256', { object: 'twins' }).signer.sign(BYTES)).rejects.toMatchObject({
      code: 'key-unusable',
    });
  });

  test('refuses a key of another curve than its algorithm has', async () => {
    await makeKey(token, 'ES384', { object: 'other curve' });
    const { signer } = openKey(token, 'ES256', { object: 'other curve' });
    await expect(signer.sign(BYTES)).rejects.toMatchObject({ code: 'key-unusable' });
  });

  test('refuses a name that two tokens share', async () => {
    for (let count = 0; count < 2; count += 1) addSoftHsmToken('twins');
    await openKey(token, 'ES256').token.use(end);
    await expect(openKey({ ...token, label: 'twins' }, 'ES256').signer.publicKey()).rejects.toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining('more') as string,
    });
  });

  test.each<[error: string, code: number, times: number]>([
    ['SLOT_ID_INVALID', 0x03, 2],
    ['DEVICE_ERROR', 0x30, 2],
    ['DEVICE_REMOVED', 0x32, 2],
    ['KEY_HANDLE_INVALID', 0x60, 2],
    ['OBJECT_HANDLE_INVALID', 0x82, 2],
    ['OPERATION_ACTIVE', 0x90, 2],
    ['SESSION_CLOSED', 0xb0, 2],
    ['SESSION_HANDLE_INVALID', 0xb3, 2],
    ['TOKEN_NOT_PRESENT', 0xe0, 2],
    ['USER_NOT_LOGGED_IN', 0x101, 2],
    ['CRYPTOKI_NOT_INITIALIZED', 0x190, 2],
    ['FUNCTION_FAILED', 0x06, 1],
    ['PIN_INCORRECT', 0xa0, 1],
    ['MECHANISM_INVALID', 0x70, 1],
  ])('after %s (%i) does its work %i times and no more', async (name, code, times) => {
    // With a number or in the text: pkcs11js does both.
    const numbered = Object.assign(new Error(`CKR_${name}`), { code });
    for (const error of [new Error(`CKR_${name}:${code}`), numbered]) await expectTimes(error, times);
  });

  test('does its work once when it fails for another reason', () => expectTimes(new TypeError('told to'), 1));

  async function expectTimes(error: Error, times: number): Promise<void> {
    let count = 0;
    const work = () => {
      count += 1;
      throw error;
    };
    await expect(openKey(token, 'ES256').token.use(work)).rejects.toBe(error);
    expect(count).toBe(times);
  }

  test('signs in a new session also when its module cannot be ended', async () => {
    const { signer, token: opened } = openKey(token, 'ES256');
    await signVerified(signer, BYTES);
    const ends = vi.spyOn(await libraryOf(token), 'C_Finalize').mockImplementationOnce(() => {
      throw new Error('CKR_FUNCTION_FAILED:6');
    });
    onTestFinished(() => {
      ends.mockRestore();
    });
    await opened.use(({ pkcs11, session }) => {
      pkcs11.C_CloseSession(session);
    });
    await signVerified(signer, BYTES);
    expect(ends.mock.calls).toHaveLength(1);
  });

  test('says that a PIN is missing', async () => {
    await loggedOut(token);
    const opened = pkcs11Token({ modulePath: token.module, token: { token: token.label } });
    await expect(opened.use(() => 1)).rejects.toMatchObject({ code: 'environment-incomplete' });
  });

  test('refuses a token that is not there', async () => {
    const { signer } = openKey({ ...token, label: 'another ward' }, 'ES256');
    await expect(signer.publicKey()).rejects.toMatchObject({ code: 'key-unusable' });
  });

  describe('with a wrong PIN', () => {
    test('asks the token once, however often it is told to sign, and takes the right PIN when it comes', async () => {
      const library = await loggedOut(token);
      const logins = spyOn(library, 'C_Login');
      const [opens, closes] = [spyOn(library, 'C_OpenSession'), spyOn(library, 'C_CloseSession')];
      let pin = 'wrong';
      const right = openKey(token, 'ES256');
      const { signer } = openKey(token, 'ES256', { readPin: () => pin });
      for (const again of [signer, signer, openKey(token, 'ES256', { readPin: () => pin }).signer])
        await expect(again.sign(BYTES)).rejects.toMatchObject({ code: 'pin-refused' });
      expect(logins.mock.calls).toHaveLength(1);
      expect(closes.mock.calls).toHaveLength(opens.mock.calls.length);
      await signVerified(right.signer, BYTES);
      await loggedOut(token);
      pin = 'also wrong';
      await expect(signer.sign(BYTES)).rejects.toMatchObject({ code: 'pin-refused' });
      const wrong = logins.mock.calls.map(([, , tried = '']) => tried).filter((tried) => tried.includes('wrong'));
      expect(wrong).toEqual(['wrong', 'also wrong']);
    });

    test('says nothing of the PIN', async () => {
      await loggedOut(token);
      const error: unknown = await openKey(token, 'ES256', { readPin: () => 'unspeakable' })
        .signer.sign(BYTES)
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'pin-refused' });
      expect(everythingOf(error)).not.toContain('unspeakable');
    });

    test.each([
      ['the last try is left', 0x2_00_00],
      ['the PIN is locked', 0x4_00_00],
    ])('tries nothing when %s: that is for a person', async (_what, flag) => {
      const library = await loggedOut(token);
      const logins = spyOn(library, 'C_Login');
      const read = library.C_GetTokenInfo.bind(library);
      const infos = vi.spyOn(library, 'C_GetTokenInfo').mockImplementation((slot) => {
        const info = read(slot);
        return { ...info, flags: info.flags | flag };
      });
      onTestFinished(() => {
        infos.mockRestore();
      });
      await expect(openKey(token, 'ES256').signer.sign(BYTES)).rejects.toMatchObject({ code: 'pin-refused' });
      expect(logins.mock.calls).toEqual([]);
    });
  });

  // Not where all of SoftHSM is skipped: Vitest would count neither.
  describe.skipIf(HAVE_SOFTHSM && !HAVE_P11_KIT)('behind a p11-kit server', () => {
    let server: TokenServer;

    beforeAll(() => {
      server = new TokenServer(token, cleanup);
    });

    beforeEach(() => server.start());
    afterEach(() => server.kill());

    test('signs again when the process of the token was killed and has come back', async () => {
      const [{ signer }, other] = [openKey(server.client, 'ES256'), openKey(server.client, 'ES384')];
      const before = await signVerified(signer, BYTES);
      await signVerified(other.signer, BYTES);
      await server.kill();
      await server.start();
      expect((await signVerified(signer, BYTES)).publicKey).toEqual(before.publicKey);
      await signVerified(other.signer, BYTES);
    });

    test('is killed in the midst of its work: each call throws or answers what fits, and the next ones are served', async () => {
      const { signer } = openKey(server.client, 'ES256');
      await signVerified(signer, BYTES);
      const orders = Array.from({ length: 300 }, (_, index) => signVerified(signer, Buffer.from(`order ${index}`)));
      const all = Promise.allSettled(orders);
      await orders[20];
      await server.kill();
      await server.start();
      const thrown = (await all).flatMap((told) => (told.status === 'rejected' ? [String(told.reason)] : []));
      expect(thrown.filter((text) => text.includes('certificate signer:'))).toEqual([]);
      await signVerified(signer, BYTES);
    });

    test('throws as long as the process is gone, each time, and hangs at no time', async () => {
      const { signer } = openKey(server.client, 'ES256');
      await signVerified(signer, BYTES);
      await server.kill();
      for (let count = 0; count < 3; count += 1)
        await expect(signer.sign(BYTES)).rejects.toThrow(/CKR_|expected one token/);
      await server.start();
      await signVerified(signer, BYTES);
    });
  });
});

describe.skipIf(!HAVE_NSS)('NSS', () => {
  const algorithms: readonly SigningAlgorithm[] = ['ES256', 'ES384']; // NSS 3.87 signs with no Edwards curve
  let token: TestToken;

  beforeAll(async () => {
    token = makeNss(cleanup);
    for (const algorithm of algorithms) await makeKey(token, algorithm);
  });

  certificateSignerContract('NSS', { algorithms, signer: (algorithm) => openKey(token, algorithm).signer });

  test('signs after its module was ended', async () => {
    const { signer, token: opened } = openKey(token, 'ES256');
    await signVerified(signer, BYTES);
    await opened.use(end);
    await signVerified(signer, BYTES);
  });

  test('refuses a wrong PIN, once', async () => {
    const logins = spyOn(await loggedOut(token), 'C_Login');
    const { signer } = openKey(token, 'ES256', { readPin: () => 'wrong' });
    for (let count = 0; count < 2; count += 1)
      await expect(signer.sign(BYTES)).rejects.toMatchObject({ code: 'pin-refused' });
    expect(logins.mock.calls).toHaveLength(1);
  });
});

test('the URI of these tests is one that we parse', () => {
  const uri = uriOf({ module: '/lib/a b.so', label: 'ward key/1', pinFile: '/run/pin' }, 'ES256');
  expect(parsePkcs11Uri(uri)).toMatchObject({ value: { modulePath: '/lib/a b.so', token: { token: 'ward key/1' } } });
});

type PKCS11 = OpenSession['pkcs11'];

/** The one that all keys of a module share in this process. */
function libraryOf(token: TestToken): Promise<PKCS11> {
  return openKey(token, 'ES256').token.use(({ pkcs11 }) => pkcs11);
}

/** Counts the calls of the real thing, until the test ends. */
function spyOn<M extends 'C_OpenSession' | 'C_CloseSession' | 'C_FindObjectsInit' | 'C_Login'>(
  library: PKCS11,
  method: M,
) {
  const spy = vi.spyOn(library, method);
  onTestFinished(() => {
    spy.mockRestore();
  });
  return spy;
}

/** Whoever signs next logs in anew: the login belongs to the process. */
async function loggedOut(token: TestToken): Promise<PKCS11> {
  const library = await libraryOf(token);
  library.C_Finalize();
  return library;
}

function end({ pkcs11 }: OpenSession): void {
  pkcs11.C_Finalize();
}

/** A signature that was begun and never ended. */
function cutOff({ pkcs11, session }: OpenSession): void {
  pkcs11.C_FindObjectsInit(session, [{ type: 0, value: 3 }]);
  const [key] = pkcs11.C_FindObjects(session, 1);
  pkcs11.C_FindObjectsFinal(session);
  if (key !== undefined) pkcs11.C_SignInit(session, { mechanism: 0x1041 }, key);
}

function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, ...fields } = error;
  return `${error.message} ${error.stack ?? ''} ${JSON.stringify(fields)} ${cause === undefined ? '' : everythingOf(cause)}`;
}
