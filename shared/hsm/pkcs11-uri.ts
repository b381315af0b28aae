// Which key, or which token, does this text name? A `pkcs11:` URI (RFC 7512) with all that is needed to use it: module, token,
// key and the file of the PIN.
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';

import { done, refused, type Outcome } from '../outcome.ts';

export interface Pkcs11TokenUri {
  /** Of the shared library; absolute. */
  readonly modulePath: string;
  /** What the token says of itself; at least one of them. */
  readonly token: Readonly<Partial<Record<TokenAttribute, string>>>;
  /** Absolute. Undefined for a token that asks for no PIN. */
  readonly pinFile: string | undefined;
}

export interface Pkcs11Uri extends Pkcs11TokenUri {
  /** At least one of them; a token may hold many keys of one label. */
  readonly key: { readonly object?: string; readonly id?: Uint8Array };
}

export type TokenAttribute = (typeof TOKEN)[number];

/** `request-malformed` for every attribute that we would have to pass over: it might name another key. */
export function parsePkcs11Uri(text: string): Outcome<Pkcs11Uri> {
  const parts = readParts(text);
  return parts.outcome === 'refused' ? parts : readKeyUri(parts.value);
}

/** The same for a token whose keys somebody else names: one that names a key is refused, for it would be passed over. */
export function parsePkcs11TokenUri(text: string): Outcome<Pkcs11TokenUri> {
  const parts = readParts(text);
  if (parts.outcome === 'refused') return parts;
  const named = KEY.find((name) => parts.value.where.has(name));
  if (named !== undefined) return malformed(`the attribute "${named}" has no meaning here: the URI names a token`);
  return readTokenUri(parts.value);
}

interface Parts {
  readonly where: Attributes;
  readonly how: Attributes;
}

function readParts(text: string): Outcome<Parts> {
  const [, path, query] = SHAPE.exec(text) ?? [];
  if (path === undefined) return malformed('expected a pkcs11: URI');
  const [where, how] = [readAttributes(path, ';', PATH_VALUE), readAttributes(query ?? '', '&', QUERY_VALUE)];
  if (where === undefined || how === undefined) return malformed('expected each attribute once, as name=value');
  const unknown = [...[...where.keys()].filter(isNoPath), ...[...how.keys()].filter(isNoQuery)];
  if (unknown[0] !== undefined) return malformed(`the attribute "${unknown[0]}" has no meaning here`);
  return done({ where, how });
}

type Attributes = ReadonlyMap<string, Buffer>;

function readKeyUri(parts: Parts): Outcome<Pkcs11Uri> {
  const uri = readTokenUri(parts);
  if (uri.outcome === 'refused') return uri;
  const [object, type = 'private'] = [textOf(parts.where.get('object')), textOf(parts.where.get('type'))];
  const id = parts.where.get('id');
  if (object === NOT_TEXT) return malformed(NO_TEXT);
  if (type !== 'private') return malformed('expected the type "private"');
  if (object === undefined && id === undefined) return malformed('expected the attribute "object" or "id" of the key');
  const key = { ...(object === undefined ? {} : { object }), ...(id === undefined ? {} : { id }) };
  return done({ ...uri.value, key });
}

function readTokenUri({ where, how }: Parts): Outcome<Pkcs11TokenUri> {
  const texts = TOKEN.map((name) => [name, textOf(where.get(name))] as const);
  const [modulePath, pinSource] = [textOf(how.get('module-path')), textOf(how.get('pin-source'))];
  if ([...texts.map(([, text]) => text), modulePath, pinSource].includes(NOT_TEXT)) return malformed(NO_TEXT);
  const token = Object.fromEntries(texts.filter(([, text]) => text !== undefined));
  if (Object.keys(token).length === 0) return malformed('expected an attribute of the token');
  if (modulePath === undefined || !isAbsolute(modulePath)) return malformed('expected an absolute "module-path"');
  const pinFile = pinSource === undefined ? undefined : pathOf(pinSource);
  if (pinFile === null) return malformed('expected a file as "pin-source"');
  return done({ modulePath, token, pinFile });
}

/** RFC 7512 2.3: each name once. Empty values name nothing. */
function readAttributes(text: string, separator: string, values: RegExp): Attributes | undefined {
  const found = new Map<string, Buffer>();
  for (const part of text === '' ? [] : text.split(separator)) {
    const [, name, value] = ATTRIBUTE.exec(part) ?? [];
    if (name === undefined || value === undefined || found.has(name) || !values.test(value)) return undefined;
    found.set(name, percentDecoded(value));
  }
  return found;
}

function percentDecoded(value: string): Buffer {
  return Buffer.from(
    value.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

function textOf(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) && !text.includes('\0') ? text : NOT_TEXT;
}

/** RFC 7512 2.4: a file, as a URI or a path. A command (`|`) runs whatever somebody wrote into a configuration: not here. */
function pathOf(source: string): string | null {
  if (isAbsolute(source)) return source;
  try {
    return fileURLToPath(source);
  } catch {
    return null;
  }
}

function isNoPath(name: string): boolean {
  return ![...TOKEN, ...KEY].includes(name);
}

/** `pin-value` is none of them: whoever reads the URI in a log or a list of processes would have the PIN. */
function isNoQuery(name: string): boolean {
  return !['module-path', 'pin-source'].includes(name);
}

/** Says nothing of the text itself: it may hold a PIN. */
function malformed(problem: string) {
  return refused({ reason: 'request-malformed', problem });
}

const TOKEN = ['token', 'manufacturer', 'serial', 'model'] as const;
const KEY = ['object', 'id', 'type'];
const SHAPE = /^pkcs11:([^?]*)(?:\?(.*))?$/;
const ATTRIBUTE = /^([a-z][a-z0-9_-]{0,31})=(.+)$/;
/** RFC 7512 2.3: characters of a value, by part of the URI. */
const PATH_VALUE = /^(?:[\w\-.~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})+$/;
const QUERY_VALUE = /^(?:[\w\-.~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})+$/;
const NOT_TEXT = '\0';
const NO_TEXT = 'expected UTF-8';
