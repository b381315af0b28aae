// Does a station whose keys are in a token make what one with files makes, and nothing without its token? On SoftHSM.
import 'reflect-metadata';
import { PublicKey } from '@peculiar/x509';
import { webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';

import { issueAuthority, issueDevice, makeKey } from '../../../cli/station/certificates.ts';
import { makeDevices } from '../../../cli/station/devices.ts';
import { deliverLot, shipLot } from '../../../cli/station/shipping.ts';
import { openStation, readIssuer, readStation } from '../../../cli/station/station.ts';
import { signByToken } from '../../../cli/station/token-signature.ts';
import { UsageError } from '../../../cli/terminal.ts';
import type { CertificateSigner } from '../../../shared/ports.ts';
import {
  addSoftHsmToken,
  HAVE_SOFTHSM,
  makeSoftHsm,
  type TestToken,
} from '../../contracts/certificate-signer-tokens.ts';
import { Cleanup } from '../../contracts/local-aws.ts';
import { openssl, present } from '../../counterparts/openssl.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';
import { newFolder } from '../folders.ts';
import { contentsOf, expectMade, filesIn } from './station-files.ts';
import { checkLot, emptyToken, labelsIn, tokenUriOf, useToken } from './token-station.ts';

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

const FILES = ['authority.pem', 'signer.pem', 'station.json'];
const LOT = { product: 'pump', lot: 'lot-7', serials: ['P1', 'P2'] };
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const silent = () => undefined;

describe.skipIf(!HAVE_SOFTHSM)('a station with its keys in SoftHSM', () => {
  let token: TestToken;
  let uri: string;

  beforeAll(() => {
    token = makeSoftHsm(cleanup);
    uri = tokenUriOf(token);
  });

  beforeEach(() => emptyToken(token));

  test('makes its two keys in the token, once, and writes neither a key nor a PIN into its folder', async () => {
    const folder = join(newFolder(), 'station');
    const station = await openStation(folder, 'acme', uri);
    const before = contentsOf(folder);
    expect(Object.keys(before)).toEqual(FILES);
    expect(await labelsIn(token)).toEqual(['wardkey-acme-ca', 'wardkey-acme-manifest']);
    expect(await openStation(folder, 'acme')).toEqual(station);
    expect(await openStation(folder, 'acme', uri)).toEqual(station);
    await makeDevices(station, ['P1'], silent);
    expect(contentsOf(folder)).toMatchObject(before);
    expect(await labelsIn(token)).toHaveLength(2);
    const [pin = ''] = readFileSync(token.pinFile, 'utf8').split('\n');
    expect(Object.values(contentsOf(folder)).join('')).not.toContain(pin);
    expect(filesIn(folder).filter((file) => file.endsWith('.key.pem'))).toEqual(['devices/P1/device.key.pem']);
  });

  test('makes devices and a manifest that the import takes', async () => {
    const station = await openStation(newFolder(), 'acme', uri);
    const serials = Array.from({ length: 40 }, (_none, at) => `P${at}`);
    await makeDevices(station, serials, silent);
    expectMade(station, serials);
    const delivery = await shipLot(station, LOT);
    expect(checkLot(station, delivery.manifestFile)).toMatchObject({
      outcome: 'done',
      value: { digest: delivery.digest },
    });
    expect(filesIn(delivery.folder)).toHaveLength(5);
  });

  test.skipIf(!present)('makes certificates that openssl verify accepts', async () => {
    const station = await openStation(newFolder(), 'acme', uri);
    const [made] = await makeDevices(station, ['P1'], silent);
    const verify = (file: string, ...words: string[]) =>
      openssl(station.folder, 'verify', '-x509_strict', '-no-CApath', '-CAfile', 'authority.pem', ...words, file);
    expect(verify('authority.pem')).toMatchObject({ ok: true });
    expect(verify('signer.pem')).toMatchObject({ ok: true });
    expect(verify(made?.device.certificateFile ?? '', '-purpose', 'sslclient')).toMatchObject({ ok: true });
  });

  test('has the certificate profile of one with files, field by field', async () => {
    const stations = [await openStation(newFolder(), 'acme', uri), await openStation(newFolder(), 'acme')];
    const shown = await Promise.all(
      stations.map(async (station) => {
        const [made] = await makeDevices(station, ['P1'], silent);
        const files = [station.authorityFile, station.signerFile, made?.device.certificateFile ?? ''];
        return files.map((file) => profileOf(new X509Certificate(readFileSync(file))));
      }),
    );
    expect(shown[0]).toEqual(shown[1]);
  });

  test('finds the keys of another folder of the same manufacturer, and makes none', async () => {
    const [first, second] = [await openStation(newFolder(), 'acme', uri), await openStation(newFolder(), 'acme', uri)];
    expect(keyOf(second.authorityFile)).toEqual(keyOf(first.authorityFile));
    expect(await labelsIn(token)).toHaveLength(2);
    await openStation(newFolder(), 'bravo', uri);
    expect(await labelsIn(token)).toHaveLength(4);
  });

  test.each([
    ['no pkcs11: URI', 'file:key.pem'],
    ['one that names a key', 'pkcs11:token=a;object=b?module-path=/lib/hsm.so'],
    ['one with a PIN in it', 'pkcs11:token=a?module-path=/lib/hsm.so&pin-value=unspeakable'],
  ])('refuses %s and makes nothing', async (_what, wrong) => {
    const folder = newFolder();
    const opening = openStation(folder, 'acme', wrong);
    await expect(opening).rejects.toBeInstanceOf(UsageError);
    await expect(opening).rejects.toThrow(/^(?!.*unspeakable)/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('with a wrong PIN asks the token once, says so, and writes nothing', async () => {
    const folder = join(newFolder(), 'station');
    const wrong = join(newFolder(), 'pin');
    writeFileSync(wrong, 'unspeakable\n');
    const library = await useToken(token, ({ pkcs11 }) => pkcs11);
    // The login belongs to the process.
    library.C_Finalize();
    const logins = vi.spyOn(library, 'C_Login');
    onTestFinished(() => {
      logins.mockRestore();
    });
    const opening = openStation(folder, 'acme', tokenUriOf({ ...token, pinFile: wrong }));
    await expect(opening).rejects.toMatchObject({ code: 'pin-refused', message: 'the token has refused the PIN' });
    expect(logins.mock.calls).toHaveLength(1);
    expect(existsSync(folder)).toBe(false);
  });

  test('writes nothing where the token is not there, or its PIN file is missing', async () => {
    const folder = join(newFolder(), 'station');
    const absent = { ...token, label: 'another factory' };
    await expect(openStation(folder, 'acme', tokenUriOf(absent))).rejects.toMatchObject({ code: 'key-unusable' });
    (await useToken(token, ({ pkcs11 }) => pkcs11)).C_Finalize();
    const unread = tokenUriOf({ ...token, pinFile: '/nowhere/pin' });
    await expect(openStation(folder, 'acme', unread)).rejects.toThrow(/\/nowhere\/pin/);
    expect(existsSync(folder)).toBe(false);
  });

  test('makes and delivers nothing when the key in the token is gone, or is another one', async () => {
    const station = await openStation(newFolder(), 'acme', uri);
    await makeDevices(station, LOT.serials, silent);
    const before = filesIn(station.folder);
    await emptyToken(token);
    await expect(makeDevices(station, ['P3'], silent)).rejects.toMatchObject({ code: 'key-unusable' });
    await expect(shipLot(station, LOT)).rejects.toMatchObject({ code: 'key-unusable' });
    await openStation(newFolder(), 'acme', uri);
    const message = /does not belong to the key "wardkey-acme-(ca|manifest)" in the token$/;
    await expect(makeDevices(station, ['P3'], silent)).rejects.toThrow(message);
    await expect(shipLot(station, LOT)).rejects.toThrow(message);
    await expect(openStation(station.folder, 'acme')).rejects.toThrow(message);
    expect(filesIn(station.folder)).toEqual(before);
  });

  test('issues with no certificate that has expired', async () => {
    const station = await openStation(newFolder(), 'acme', uri);
    await makeDevices(station, LOT.serials, silent);
    vi.useFakeTimers({ now: Date.parse('2099-01-01T00:00:00Z'), toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    await expect(makeDevices(station, ['P3'], silent)).rejects.toThrow(/certificate of the authority is valid from/);
    await expect(shipLot(station, LOT)).rejects.toThrow(/certificate of the signer is valid from/);
  });

  test('remembers where its token went, when the keys of its certificates are there', async () => {
    const station = await openStation(newFolder(), 'acme', uri);
    const pinFile = join(newFolder(), 'pin');
    writeFileSync(pinFile, readFileSync(token.pinFile));
    const moved = tokenUriOf({ ...token, pinFile });
    expect(await openStation(station.folder, 'acme', moved)).toEqual({ ...station, token: moved });
    expect(readStation(station.folder).token).toBe(moved);
    addSoftHsmToken('new factory');
    const other = { ...token, label: 'new factory' };
    await expect(openStation(station.folder, 'acme', tokenUriOf(other))).rejects.toMatchObject({
      code: 'key-unusable',
    });
    expect(readStation(station.folder).token).toBe(moved);
    expect(await labelsIn(other)).toEqual([]);
  });

  test('is never both: files stay files, and a token gives no key away', async () => {
    const [files, tokens] = [await openStation(newFolder(), 'acme'), await openStation(newFolder(), 'acme', uri)];
    await expect(openStation(files.folder, 'acme', uri)).rejects.toThrow(/keeps its keys in files, not in a token$/);
    expect(await labelsIn(token)).toHaveLength(2);
    expect(() => readIssuer(tokens, 'authority')).toThrow(/keeps its keys in a token, not in files$/);
    expect(() => deliverLot(tokens, LOT)).toThrow(UsageError);
  });

  test('settings with a token that is no text are refused', async () => {
    const { folder } = await openStation(newFolder(), 'acme', uri);
    writeFileSync(join(folder, 'station.json'), '{"manufacturer":"acme","token":7}');
    expect(() => readStation(folder)).toThrow(/expected a pkcs11: URI as "token"$/);
  });
});

describe('a certificate that a token signs', () => {
  test('is of the key of the issuer’s certificate, also when the token has another one by then', async () => {
    const signer = new SoftwareCertificateSigner();
    const certificate = await issueAuthority('acme device CA', signer);
    const device = await makeKey();
    const issued = new X509Certificate(await issueDevice('P1', device, { certificate, key: signer }));
    expect(issued.verify(new X509Certificate(certificate).publicKey)).toBe(true);
    const other = issueDevice('P1', device, { certificate, key: new SoftwareCertificateSigner() });
    await expect(other).rejects.toMatchObject({ code: 'key-unusable' });
  });

  test('is not made of an answer that fits other bytes', async () => {
    const signer = new SoftwareCertificateSigner();
    const certificate = await issueAuthority('acme device CA', signer);
    const wrong: CertificateSigner = {
      algorithm: 'ES256',
      publicKey: () => signer.publicKey(),
      sign: () => signer.sign(Buffer.from('something else')),
    };
    const issuing = issueDevice('P1', await makeKey(), { certificate, key: wrong });
    await expect(issuing).rejects.toMatchObject({ code: 'answer-malformed' });
  });

  test('is the one that was signed: what changes from one writing to the next is not made', async () => {
    const { publicKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const key = await PublicKey.create(publicKey, webcrypto);
    let number = 0;
    const draft = {
      get serialNumber() {
        return String((number += 1)).padStart(2, '0');
      },
      ...{ notBefore: new Date(), notAfter: new Date(), publicKey: key, signingAlgorithm: ALGORITHM },
    };
    const signer = new SoftwareCertificateSigner();
    const spki = new PublicKey(Buffer.from(await signer.publicKey()));
    await expect(signByToken(draft, signer, spki)).rejects.toThrow('a certificate changed as it was signed');
  });

  test('is of P-256: a key of another curve signs none', async () => {
    await expect(issueAuthority('acme device CA', new SoftwareCertificateSigner('ES384'))).rejects.toThrow();
  });
});

function keyOf(file: string): Buffer {
  return new X509Certificate(readFileSync(file)).publicKey.export({ format: 'der', type: 'spki' });
}

/** All that does not differ from one key, day or number to the next. */
function profileOf({ subject, issuer, ca, keyUsage, validFromDate, validToDate, raw }: X509Certificate) {
  const extensions = ['551d13', '551d0f', '551d25', '551d0e', '551d23'].map((id) =>
    raw.toString('hex').includes(`0603${id}`),
  );
  const days = Math.round((validToDate.getTime() - validFromDate.getTime()) / 86_400_000);
  return { subject, issuer, ca, keyUsage, days, extensions };
}
