// What does the PKCS #11 signer make of a token's answers? With answers of other dialects and of tokens that are wrong, which no
// token at hand gives. The real ones are in the contract tests.
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import {
  pkcs11CertificateSigner,
  readPinFile,
  type Pkcs11SignerWishes,
} from '../../../shared/hsm/pkcs11-certificate-signer.ts';
import { encodeEcdsa } from '../../../shared/signing/ecdsa-signature.ts';
import type { SigningAlgorithm } from '../../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';

const POINTS = { ES256: 65, ES384: 97, EdDSA: 32 } as const;
const CURVES = { ES256: '06082a8648ce3d030107', ES384: '06052b81040022', EdDSA: '06032b6570' } as const;
const EVERY = ['ES256', 'ES384', 'EdDSA'] as const;

interface Says {
  readonly parameters?: string;
  readonly point: Buffer;
  readonly signature?: Buffer;
  /** Of the private key. */
  readonly id?: string;
}

type Token = Pkcs11SignerWishes['token'];

/** A token of one pair that answers what it is told to. */
function saying(says: Says, algorithm: SigningAlgorithm, asked: unknown[] = []): Token {
  const { parameters, point, signature = Buffer.alloc(0), id = 'id' } = says;
  const ecParameters = Buffer.from(parameters ?? CURVES[algorithm], 'hex');
  const values = new Map([
    [0x102, Buffer.from(id)],
    [0x180, ecParameters],
    [0x181, point],
  ]);
  const pkcs11 = {
    C_FindObjectsInit: (_session: Buffer, template: unknown) => asked.push(template),
    C_FindObjects: () => [Buffer.from('handle')],
    C_FindObjectsFinal: () => undefined,
    C_GetAttributeValue: (_session: Buffer, _key: Buffer, wanted: readonly { type: number }[]) =>
      wanted.map(({ type }) => ({ type, value: values.get(type) })),
    C_SignInit: () => undefined,
    C_SignAsync: () => Promise.resolve(signature),
  };
  const open = { pkcs11, session: Buffer.from('session') } as unknown as Parameters<Parameters<Token['use']>[0]>[0];
  return { use: async (work) => work(open) };
}

function signerOf(says: Says, algorithm: SigningAlgorithm) {
  return pkcs11CertificateSigner({ token: saying(says, algorithm), key: { object: 'a' }, algorithm, encodeEcdsa });
}

async function pointOf(algorithm: SigningAlgorithm): Promise<{ spki: Buffer; point: Buffer }> {
  const spki = Buffer.from(await new SoftwareCertificateSigner(algorithm).publicKey());
  return { spki, point: spki.subarray(-POINTS[algorithm]) };
}

describe.each(EVERY)('%s', (algorithm) => {
  test('reads a point in an OCTET STRING, and one without', async () => {
    const { spki, point } = await pointOf(algorithm);
    const wrapped = Buffer.concat([Buffer.from([0x04, point.length]), point]);
    for (const said of [point, wrapped])
      expect(Buffer.from(await signerOf({ point: said }, algorithm).publicKey())).toEqual(spki);
  });

  test.each<[string, (point: Buffer) => Says]>([
    ['of another curve', (point) => ({ point, parameters: '06052b8104000a' })],
    ['with parameters written out', (point) => ({ point, parameters: '3000' })],
    ['that is too short', (point) => ({ point: point.subarray(1) })],
    ['that is too long', (point) => ({ point: Buffer.concat([point, Buffer.from([0])]) })],
    ['in another string', (point) => ({ point: Buffer.concat([Buffer.from([0x03, point.length]), point]) })],
    ['that is missing', () => ({ point: Buffer.alloc(0) })],
  ])('takes no point %s', async (_what, says) => {
    const { point } = await pointOf(algorithm);
    await expect(signerOf(says(point), algorithm).publicKey()).rejects.toMatchObject({ code: 'key-unusable' });
  });
});

test.each([
  ['id', { type: 0x102, value: Buffer.from('id') }],
  ['', { type: 0x03, value: 'a' }],
])(
  'finds the public key by the id of the private one ("%s"), where it has one: a label may be anybody’s',
  async (id, name) => {
    const { point } = await pointOf('ES256');
    const asked: unknown[] = [];
    const token = saying({ point, id }, 'ES256', asked);
    await pkcs11CertificateSigner({ token, key: { object: 'a' }, algorithm: 'ES256', encodeEcdsa }).publicKey();
    const label = { type: 0x03, value: 'a' };
    expect(asked).toEqual([
      [{ type: 0, value: 3 }, label],
      [{ type: 0, value: 2 }, name],
    ]);
  },
);

test('T033 takes no point that is not on its curve, and no compressed one', async () => {
  const { point } = await pointOf('ES256');
  const outside = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]);
  const marked = Buffer.concat([Buffer.from([6]), point.subarray(1)]);
  for (const wrong of [outside, marked])
    await expect(signerOf({ point: wrong }, 'ES256').publicKey()).rejects.toMatchObject({ code: 'key-unusable' });
});

test('knows Ed25519 by its name also: SoftHSM and PKCS #11 v3.0 have both', async () => {
  const { spki, point } = await pointOf('EdDSA');
  const signer = signerOf({ point, parameters: '130c656477617264733235353139' }, 'EdDSA');
  expect(Buffer.from(await signer.publicKey())).toEqual(spki);
  expect(createPublicKey({ key: spki, format: 'der', type: 'spki' }).asymmetricKeyType).toBe('ed25519');
});

test.each([0, 63, 65, 72])('T007 takes no signature of %i bytes for r and s', async (length) => {
  const { point } = await pointOf('ES256');
  const signer = signerOf({ point, signature: Buffer.alloc(length, 1) }, 'ES256');
  await expect(signer.sign(Buffer.from('a'))).rejects.toMatchObject({ code: 'answer-malformed' });
});

describe('the file of a PIN', () => {
  test.each([
    ['1234', '1234'],
    ['user:pass word \n', 'user:pass word '],
    ['1234\r\nsecond line\n', '1234'],
  ])('%j holds the PIN of its first line, as it stands', (content, pin) => {
    expect(readPinFile(fileOf(content))).toBe(pin);
  });

  test.each(['', '\n', '\n1234'])('%j holds none', (content) => {
    expect(() => readPinFile(fileOf(content))).toThrow('expected a PIN');
  });
});

test('says plainly that the optional package is missing, and needs it for nothing but a token', () => {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) { if (name === 'pkcs11js') throw new Error('gone'); return next(name, context); } });`;
  const script = `import { pkcs11Token } from './shared/hsm/pkcs11-token.ts';
    import './shared/hsm/pkcs11-certificate-signer.ts';
    pkcs11Token({ modulePath: '/absent.so', token: { token: 'a' } }).use(() => 1).catch(({ code, message }) => console.log(code, message));`;
  const words = [
    '--import',
    `data:text/javascript,${encodeURIComponent(hook)}`,
    '--input-type=module',
    '--eval',
    script,
  ];
  const { stdout } = spawnSync(process.execPath, words, {
    cwd: join(import.meta.dirname, '../../..'),
    encoding: 'utf8',
  });
  expect(stdout).toBe(
    'environment-incomplete the optional package "pkcs11js" is not installed: npm builds it where there is a C++ compiler\n',
  );
});

function fileOf(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'wardkey-pin-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(join(folder, 'pin'), content);
  return join(folder, 'pin');
}
