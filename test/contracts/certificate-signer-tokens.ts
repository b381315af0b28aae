// Where do the tests find PKCS #11 tokens? Fresh ones of SoftHSM and NSS in a temporary folder, with a key of each algorithm;
// SoftHSM's also behind a p11-kit server, in a process that can be killed.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { pkcs11CertificateSigner, readPinFile } from '../../shared/hsm/pkcs11-certificate-signer.ts';
import { pkcs11Token, type OpenSession, type Pkcs11Token } from '../../shared/hsm/pkcs11-token.ts';
import { parsePkcs11Uri } from '../../shared/hsm/pkcs11-uri.ts';
import { encodeEcdsa } from '../../shared/signing/ecdsa-signature.ts';
import type { CertificateSigner, SigningAlgorithm } from '../../shared/ports.ts';
import { counterpart } from '../counterparts.ts';
import type { Cleanup } from './local-aws.ts';

export interface TestToken {
  readonly module: string;
  readonly label: string;
  readonly pinFile: string;
  readonly libraryParameters?: string;
}

/** Where Debian and its relatives keep them. */
const FOLDERS = ['x86_64-linux-gnu', 'aarch64-linux-gnu', ''].map((folder) => join('/usr/lib', folder));

const bindings = counterpart('pkcs11js');
const [softhsm, nss, p11Kit] = [counterpart('softhsm2'), counterpart('nss'), counterpart('p11_kit')];

const [SOFTHSM, NSS, P11_KIT] = ['softhsm/libsofthsm2.so', 'libsoftokn3.so', 'pkcs11/p11-kit-client.so'];

export const HAVE_SOFTHSM = bindings !== undefined && softhsm !== undefined && mayUse(SOFTHSM);
export const HAVE_NSS = bindings !== undefined && nss !== undefined && mayUse(NSS);
export const HAVE_P11_KIT = HAVE_SOFTHSM && p11Kit !== undefined && mayUse(P11_KIT);

/** The label carries a blank and signs that a URI must write in another way. */
const LABEL = 'ward key/1';
/** With a blank at its end and in the form of AWS CloudHSM: nothing of it may get lost. */
const PIN = 'crypto-user:p%n 1 ';

export function makeSoftHsm(cleanup: Cleanup): TestToken {
  const folder = temporaryFolder(cleanup);
  mkdirSync(join(folder, 'tokens'));
  const configuration = join(folder, 'softhsm2.conf');
  writeFileSync(
    configuration,
    `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  process.env['SOFTHSM2_CONF'] = configuration;
  addSoftHsmToken(LABEL);
  return { module: libraryOf(SOFTHSM), label: LABEL, pinFile: pinFileIn(folder) };
}

/** Another one in the same SoftHSM; the module sees it when it starts. */
export function addSoftHsmToken(label: string): void {
  const words = ['--init-token', '--free', '--label', label, '--so-pin', 'so-pin-0', '--pin', PIN];
  execFileSync(softhsm?.path ?? '', words, { stdio: 'ignore' });
}

export function makeNss(cleanup: Cleanup): TestToken {
  const folder = temporaryFolder(cleanup);
  const pinFile = pinFileIn(folder);
  execFileSync(nss?.path ?? '', ['-N', '-d', `sql:${folder}`, '-f', pinFile], { stdio: 'ignore' });
  const libraryParameters = `configdir='sql:${folder}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=''`;
  return { module: libraryOf(NSS), label: 'NSS Certificate DB', pinFile, libraryParameters };
}

/** A server that gives SoftHSM's token to `client`. */
export class TokenServer {
  readonly client: TestToken;
  readonly #token: TestToken;
  readonly #socket: string;
  #kill: (() => Promise<void>) | undefined;

  constructor(token: TestToken, cleanup: Cleanup) {
    this.#socket = join(temporaryFolder(cleanup), 'socket');
    this.#token = token;
    this.client = { ...token, module: libraryOf(P11_KIT) };
    process.env['P11_KIT_SERVER_ADDRESS'] = `unix:path=${this.#socket}`;
    cleanup.later(() => this.kill());
  }

  async start(): Promise<void> {
    const words = ['server', '--foreground', '--provider', this.#token.module, '--name', this.#socket, 'pkcs11:'];
    const child = spawn(p11Kit?.path ?? '', words, { stdio: 'ignore', detached: true });
    const ended = new Promise<void>((resolve) =>
      child.once('close', () => {
        resolve();
      }),
    );
    this.#kill = async () => {
      // It has a process for each client: the group dies, as on a machine that loses its power.
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await ended;
      rmSync(this.#socket, { force: true });
    };
    for (let tries = 0; !(await takesCalls(this.#socket)) && tries < 100; tries += 1) await setTimeout(50);
  }

  async kill(): Promise<void> {
    const kill = this.#kill;
    this.#kill = undefined;
    await kill?.();
  }
}

/** The socket is there some time before anybody listens: on a busy machine that is long enough to fail a test. */
function takesCalls(path: string): Promise<boolean> {
  const call = connect(path);
  return new Promise((resolve) => {
    call.once('connect', () => {
      call.destroy();
      resolve(true);
    });
    call.once('error', () => {
      resolve(false);
    });
  });
}

/** Named by a `pkcs11:` URI, as an operator would. */
export function uriOf({ module, label, pinFile }: TestToken, object: string): string {
  const [token, modulePath, source] = [label, module, `file:${pinFile}`].map(encodeURIComponent);
  return `pkcs11:token=${token};object=${encodeURIComponent(object)};type=private?module-path=${modulePath}&pin-source=${source}`;
}

export interface OpenedKey {
  readonly token: Pkcs11Token;
  readonly signer: CertificateSigner;
}

export function openKey(test: TestToken, algorithm: SigningAlgorithm, wishes: KeyWishes = {}): OpenedKey {
  const named = parsePkcs11Uri(uriOf(test, wishes.object ?? algorithm));
  if (named.outcome === 'refused') throw new Error(JSON.stringify(named.refusal));
  const { modulePath, token: name, key, pinFile = '' } = named.value;
  const { readPin = () => readPinFile(pinFile) } = wishes;
  const parameters = test.libraryParameters === undefined ? {} : { libraryParameters: test.libraryParameters };
  const token = pkcs11Token({ modulePath, token: name, readPin, ...parameters });
  return { token, signer: pkcs11CertificateSigner({ token, key, algorithm, encodeEcdsa }) };
}

export interface KeyWishes {
  readonly object?: string;
  readonly readPin?: () => string;
}

/** A pair under the algorithm's name that cannot leave the token. */
export async function makeKey(test: TestToken, algorithm: SigningAlgorithm, wishes: KeyWishes = {}): Promise<void> {
  const { object = algorithm } = wishes;
  await openKey(test, algorithm, wishes).token.use((open) => {
    generate(open, algorithm, object);
  });
}

function generate({ pkcs11, session }: OpenSession, algorithm: SigningAlgorithm, object: string): void {
  const { mechanism, parameters } = CURVES[algorithm];
  const shared = [
    { type: CKA_TOKEN, value: true },
    { type: CKA_LABEL, value: object },
    { type: CKA_ID, value: Buffer.from(`id ${object}`) },
  ];
  const ecParameters = { type: CKA_EC_PARAMS, value: Buffer.from(parameters, 'hex') };
  const kept = [CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN].map((type) => ({ type, value: true }));
  pkcs11.C_GenerateKeyPair(
    session,
    { mechanism },
    [...shared, ecParameters, { type: CKA_VERIFY, value: true }],
    [...shared, ...kept, { type: CKA_EXTRACTABLE, value: false }],
  );
}

function temporaryFolder(cleanup: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'wardkey-token-'));
  cleanup.later(() => {
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  });
  return folder;
}

function pinFileIn(folder: string): string {
  const file = join(folder, 'pin');
  writeFileSync(file, `${PIN}\n`, { mode: 0o600 });
  return file;
}

function libraryOf(name: string): string {
  const found = findLibrary(name);
  if (found === undefined) throw new Error(`expected the library "${name}" below ${FOLDERS.join(', ')}`);
  return found;
}

function findLibrary(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Its program is here, but the library may be somewhere else: that skips the tests, but for CI, where it fails them. */
function mayUse(name: string): boolean {
  return process.env['CI'] === 'true' || findLibrary(name) !== undefined;
}

// PKCS #11: the numbers of pkcs11t.h.
const CKA_TOKEN = 0x01;
const CKA_PRIVATE = 0x02;
const CKA_LABEL = 0x03;
const CKA_ID = 0x102;
const CKA_SENSITIVE = 0x103;
const CKA_SIGN = 0x108;
const CKA_VERIFY = 0x10a;
const CKA_EXTRACTABLE = 0x162;
const CKA_EC_PARAMS = 0x180;
const CURVES = {
  ES256: { mechanism: 0x1040, parameters: '06082a8648ce3d030107' },
  ES384: { mechanism: 0x1040, parameters: '06052b81040022' },
  EdDSA: { mechanism: 0x1055, parameters: '06032b6570' },
} as const;
