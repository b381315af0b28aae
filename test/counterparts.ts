// Which independent programs check us, and are they here? Found by an environment variable, an npm package or PATH.
// Elsewhere than in CI a missing one skips its tests, and the runner's last lines name it.
import { accessSync, appendFileSync, constants, mkdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

export interface Counterpart {
  /** Absolute path of a program that may be run. */
  readonly path: string;
}

interface Listed {
  /** Holds the path of the program; goes before everything else. */
  readonly variable: string;
  /** The program's name in PATH. */
  readonly program: string;
  /** A file of an optional npm package, where there is one for this machine. */
  readonly npm?: string;
  /** Where its installer puts it, in this checkout. */
  readonly here?: string;
  /** One line for people. */
  readonly install: string;
  /** Whether CI fails without it on this kind of processor. */
  readonly required: (arch: string) => boolean;
}

export const COUNTERPARTS = {
  dynoxide: {
    variable: 'WARDKEY_DYNOXIDE',
    program: 'dynoxide',
    npm: '@dynoxide/linux-x64/dynoxide',
    install: 'npm ci --include=optional (x64 only)',
    required: (arch) => arch === 'x64',
  },
  openssl: {
    variable: 'WARDKEY_OPENSSL',
    program: 'openssl',
    install: 'apt-get install openssl',
    required: () => true,
  },
  mosquitto_pub: {
    variable: 'WARDKEY_MOSQUITTO_PUB',
    program: 'mosquitto_pub',
    install: 'apt-get install mosquitto-clients',
    required: () => true,
  },
  device_sdk: {
    variable: 'WARDKEY_DEVICE_SDK',
    program: 'aws-iot-device-sdk-python', // no system has such a program: it is installed into the checkout
    here: '.wardkey/counterparts/device-sdk/bin/python',
    install: 'test/counterparts/device-sdk/install',
    required: () => true,
  },
  localstack: {
    variable: 'WARDKEY_LOCALSTACK',
    program: 'localstack-python', // no system has such a program: it is installed into the checkout
    here: '.wardkey/counterparts/localstack/bin/python',
    install: 'test/counterparts/localstack/install (with Python 3.12 or 3.13)',
    required: () => true,
  },
  pkcs11js: {
    variable: 'WARDKEY_PKCS11JS',
    program: 'pkcs11.node',
    npm: 'pkcs11js/build/Release/pkcs11.node',
    install: 'npm ci --include=optional (with a C++ compiler, make and Python)',
    required: () => true,
  },
  softhsm2: {
    variable: 'WARDKEY_SOFTHSM2_UTIL',
    program: 'softhsm2-util',
    install: 'apt-get install softhsm2',
    required: () => true,
  },
  nss: {
    variable: 'WARDKEY_NSS_CERTUTIL',
    program: 'certutil',
    install: 'apt-get install libnss3 libnss3-tools',
    required: () => true,
  },
  p11_kit: {
    variable: 'WARDKEY_P11_KIT',
    program: 'p11-kit',
    install: 'apt-get install p11-kit p11-kit-modules',
    required: () => true,
  },
} as const satisfies Readonly<Record<string, Listed>>;

export type CounterpartName = keyof typeof COUNTERPARTS;

/** Names of counterparts that were not found, one a line; the runner empties and reads it. */
export const MISSING_FILE = join(import.meta.dirname, '../.wardkey/test/missing-counterparts');

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly arch: string;
  readonly missingFile: string;
}

const HERE: Surroundings = { environment: process.env, arch: process.arch, missingFile: MISSING_FILE };

/**
 * Call it while a test file is loaded, for `test.skipIf`. Undefined: not here, and noted for the runner. Throws, so that
 * the file fails, under CI=true for one that CI requires, and always for a variable that names no program.
 */
export function counterpart(name: CounterpartName, surroundings = HERE): Counterpart | undefined {
  const { environment, arch, missingFile } = surroundings;
  const listed: Listed = COUNTERPARTS[name];
  const path = find(listed, environment);
  if (path !== undefined) return { path };
  if (environment['CI'] === 'true' && listed.required(arch))
    throw new Error(`CI requires "${name}": ${listed.install}, or name it in ${listed.variable}`);
  mkdirSync(dirname(missingFile), { recursive: true });
  appendFileSync(missingFile, `${name}\n`);
  return undefined;
}

function find({ variable, program, npm, here }: Listed, environment: Surroundings['environment']): string | undefined {
  const named = environment[variable];
  if (named !== undefined) {
    // Somebody asked for this one: another in its place would check something else.
    if (isAbsolute(named) && isProgram(named)) return named;
    throw new Error(`${variable}: expected the absolute path of a program, got "${named}"`);
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const installed = here === undefined ? [] : [join(import.meta.dirname, '..', here)];
  const candidates = [...packaged(npm), ...installed, ...folders.map((folder) => join(folder, program))];
  return candidates.find(isProgram);
}

function packaged(file: string | undefined): readonly string[] {
  if (file === undefined) return [];
  try {
    return [createRequire(import.meta.url).resolve(file)];
  } catch {
    return []; // an optional package: none for this machine
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
