// How does one keep a token open? Library, session and login of a PKCS #11 module: reopened once when they are lost, with a
// PIN that is never tried again once it was refused. Decides nothing about keys.
import { createHash, randomBytes } from 'node:crypto';

import type { Handle, PKCS11, TokenInfo } from 'pkcs11js';

import { Fault } from '../outcome.ts';

export interface TokenWishes {
  /** Of the shared library; absolute. */
  readonly modulePath: string;
  /** What the token says of itself; exactly one token must fit. */
  readonly token: TokenName;
  /** Asked at every login. The PIN is opaque: AWS CloudHSM wants `<user>:<password>`. Undefined: the token asks for none. */
  readonly readPin?: () => string;
  /** What NSS wants to know when it starts, such as where its database is. */
  readonly libraryParameters?: string;
}

export interface TokenName {
  readonly token?: string;
  readonly manufacturer?: string;
  readonly serial?: string;
  readonly model?: string;
}

/** Handles found in one are worth nothing in another, even if they look the same. */
export interface OpenSession {
  readonly pkcs11: PKCS11;
  readonly session: Handle;
}

export interface Pkcs11Token {
  /**
   * Runs alone in its module: calls that interleave may succeed with wrong results. After a lost session or token it
   * is run once more, with another session; what is thrown then, or for any other reason, is thrown.
   */
  use<T>(work: (open: OpenSession) => T | Promise<T>): Promise<T>;
}

export function pkcs11Token(wishes: TokenWishes): Pkcs11Token {
  let opened: { readonly library: Library; readonly start: number; readonly open: OpenSession } | undefined;
  const open = (library: Library): OpenSession => {
    // After a restart the module hands out the same numbers again, for other sessions and keys.
    if (opened?.library !== library || opened.start !== library.starts)
      opened = { library, start: library.starts, open: openSession(library.pkcs11, wishes) };
    return opened.open;
  };
  return {
    async use(work) {
      const library = await libraryAt(wishes);
      return library.alone(async () => {
        try {
          return await work(open(library));
        } catch (error) {
          if (!isLoss(error)) throw error;
          library.restart();
          return work(open(library));
        }
      });
    },
  };
}

/** One per process and module, as PKCS #11 has it: an application is a process. */
class Library {
  readonly pkcs11: PKCS11;
  /** How often it was started. */
  starts = 1;
  readonly #parameters: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(pkcs11: PKCS11, { modulePath, libraryParameters }: TokenWishes) {
    this.pkcs11 = pkcs11;
    this.#parameters = libraryParameters;
    pkcs11.load(modulePath);
    this.#start();
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The only way back to a token whose process has died: a new session in the old library finds it as dead as before. */
  restart(): void {
    this.starts += 1;
    try {
      this.pkcs11.C_Finalize();
    } catch {
      // It may have ended by itself.
    }
    this.#start();
  }

  #start(): void {
    const parameters = this.#parameters === undefined ? {} : { libraryParameters: this.#parameters };
    try {
      this.pkcs11.C_Initialize({ flags: OS_LOCKING_OK, ...parameters });
    } catch (error) {
      if (codeOf(error) !== CKR.alreadyInitialized) throw error;
    }
  }
}

const libraries = new Map<string, Promise<Library>>();

function libraryAt(wishes: TokenWishes): Promise<Library> {
  const known = libraries.get(wishes.modulePath) ?? loadLibrary(wishes);
  libraries.set(wishes.modulePath, known);
  known.catch(() => libraries.delete(wishes.modulePath));
  return known;
}

/** Loaded when it is first needed: whoever has no token needs neither the package nor a compiler for it. */
async function loadLibrary(wishes: TokenWishes): Promise<Library> {
  const { default: pkcs11js } = await import('pkcs11js').catch((cause: unknown) => {
    const message = 'the optional package "pkcs11js" is not installed: npm builds it where there is a C++ compiler';
    throw new Fault('environment-incomplete', message, { cause });
  });
  return new Library(new pkcs11js.PKCS11(), wishes);
}

function openSession(pkcs11: PKCS11, wishes: TokenWishes): OpenSession {
  const { slot, info } = findToken(pkcs11, wishes.token);
  // AWS CloudHSM refuses read-only sessions, and says only that the function failed.
  const session = pkcs11.C_OpenSession(slot, SERIAL_SESSION | RW_SESSION);
  try {
    if ((info.flags & LOGIN_REQUIRED) !== 0) logIn({ pkcs11, session }, info, wishes);
    return { pkcs11, session };
  } catch (error) {
    // Whoever asks again opens another one, and a token has room for so many.
    pkcs11.C_CloseSession(session);
    throw error;
  }
}

/** Two tokens that fit are as bad as none: either may hold the wrong key. */
function findToken(pkcs11: PKCS11, name: TokenName): { readonly slot: Handle; readonly info: TokenInfo } {
  const tokens = pkcs11.C_GetSlotList(true).flatMap((slot) => {
    const info = readInfo(pkcs11, slot);
    return info !== undefined && fits(info, name) ? [{ slot, info }] : [];
  });
  const [found, ...more] = tokens;
  if (found !== undefined && more.length === 0) return found;
  const wanted = `expected one token ${JSON.stringify(name)}, got`;
  throw found === undefined
    ? new TokenAbsent('key-unusable', `${wanted} none`)
    : new Fault('key-unusable', `${wanted} more`);
}

/** NSS that was ended says that it has no tokens; others list their slots when they start, and never again. */
class TokenAbsent extends Fault {}

/** Undefined for a slot whose token was pulled out, or is of a kind that the module does not know: not ours. */
function readInfo(pkcs11: PKCS11, slot: Handle): TokenInfo | undefined {
  try {
    return pkcs11.C_GetTokenInfo(slot);
  } catch (error) {
    const code = codeOf(error);
    if (code !== CKR.tokenNotPresent && code !== CKR.tokenNotRecognized) throw error;
    return undefined;
  }
}

function fits(info: TokenInfo, name: TokenName): boolean {
  const { label, manufacturerID, serialNumber, model } = info;
  const said = { token: label, manufacturer: manufacturerID, serial: serialNumber, model };
  // Fields of fixed length, filled up with blanks.
  return Object.entries(name).every(([key, value]) => said[key as keyof TokenName].trimEnd() === value);
}

/**
 * A wrong PIN is tried once in this process, and the last try of a token is left to a person: a PIN in a file, tried in a
 * loop, would lock the token and with it every device that needs a certificate.
 */
function logIn({ pkcs11, session }: OpenSession, info: TokenInfo, { modulePath, readPin }: TokenWishes): void {
  if (readPin === undefined) throw new Fault('environment-incomplete', 'the token asks for a PIN: expected its source');
  const pin = readPin();
  const tried = createHash('sha256')
    .update(SALT)
    .update(JSON.stringify([modulePath, info.serialNumber, pin]))
    .digest('hex');
  if (refusedPins.has(tried)) throw new Fault('pin-refused', 'the token has refused this PIN before: not tried again');
  if ((info.flags & (PIN_FINAL_TRY | PIN_LOCKED)) !== 0)
    throw new Fault('pin-refused', 'the token is locked, or has one try left: not tried');
  try {
    pkcs11.C_Login(session, NORMAL_USER, pin);
  } catch (cause) {
    const code = codeOf(cause);
    // Of the whole process: another session of ours did it.
    if (code === CKR.alreadyLoggedIn) return;
    if (code === undefined || !PIN_REFUSALS.has(code)) throw cause;
    refusedPins.add(tried);
    throw new Fault('pin-refused', 'the token has refused the PIN', { cause });
  }
}

/** Marks of PINs that were refused, worth nothing outside this process. */
const refusedPins = new Set<string>();
const SALT = randomBytes(32);

function isLoss(error: unknown): boolean {
  const code = codeOf(error);
  return error instanceof TokenAbsent || (code !== undefined && LOSSES.has(code));
}

/** From the text: pkcs11js gives some of its errors a number, and leaves others as they come from the module. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'number') return error.code;
  const [, digits] = /CKR_\w+:(\d+)/.exec(error.message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

// PKCS #11 v2.40: the numbers of pkcs11t.h.
const OS_LOCKING_OK = 0x02;
const RW_SESSION = 0x02;
const SERIAL_SESSION = 0x04;
const LOGIN_REQUIRED = 0x04;
const PIN_FINAL_TRY = 0x2_00_00;
const PIN_LOCKED = 0x4_00_00;
const NORMAL_USER = 1;
const CKR = {
  tokenNotPresent: 0xe0,
  tokenNotRecognized: 0xe1,
  alreadyLoggedIn: 0x100,
  alreadyInitialized: 0x191,
} as const;
/** PIN_INCORRECT, PIN_INVALID, PIN_LEN_RANGE, PIN_EXPIRED, PIN_LOCKED */
const PIN_REFUSALS = new Set([0xa0, 0xa1, 0xa2, 0xa3, 0xa4]);
/** What a dead process, an ended session or a token that was pulled out look like. */
const LOSSES = new Set([
  0x03, // SLOT_ID_INVALID
  0x30, // DEVICE_ERROR
  0x32, // DEVICE_REMOVED
  0x60, // KEY_HANDLE_INVALID
  0x82, // OBJECT_HANDLE_INVALID
  0x90, // OPERATION_ACTIVE: a call before was cut off
  0xb0, // SESSION_CLOSED
  0xb3, // SESSION_HANDLE_INVALID
  CKR.tokenNotPresent,
  0x101, // USER_NOT_LOGGED_IN
  0x190, // CRYPTOKI_NOT_INITIALIZED
]);
