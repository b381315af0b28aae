// Where does a device keep who it is? In one file, replaced as a whole: keys and certificates change together or not at all.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as z from 'zod';

import { firstProblem, parseJson } from '../shared/json.ts';
import { replaceFile, type Disk } from './disk.ts';
import type { Identity } from './connect.ts';
import { candidates, type DeviceState, type KeyAndCertificate } from './identities.ts';

export interface IdentityStore {
  /** Where the factory put it, read-only to us. */
  readonly factory: Identity;
  state(): DeviceState;
  /** Durable on return. When it throws, the disk holds the former state or the new one, and this store the former. */
  change(next: DeviceState): void;
}

/** Throws when the folder is another device's, when its file is damaged, or when a key is not its certificate's. */
export function openIdentityStore(folder: string, factory: Identity, disk: Disk): IdentityStore {
  checkPair('the factory identity', factory);
  disk.makeFolder(folder);
  disk.sync(dirname(folder));
  const path = join(folder, FILE);
  let state = readState(disk, path, factory);
  return {
    factory,
    state: () => state,
    change: (next) => {
      replaceFile(disk, path, `${JSON.stringify({ version: 1, id: factory.id, ...next }, null, 2)}\n`);
      state = next;
    },
  };
}

/** No file: a device that has its factory identity only. */
function readState(disk: Disk, path: string, factory: Identity): DeviceState {
  const text = disk.read(path);
  if (text === undefined) return {};
  const parsed = FORMAT.safeParse(parseJson(text));
  if (!parsed.success) throw new Error(`"${path}" is damaged: ${firstProblem(parsed.error.issues)}`);
  const { version: _version, id, ...state } = parsed.data;
  if (id !== factory.id) throw new Error(`"${path}": expected the identities of "${factory.id}", got those of "${id}"`);
  for (const { role, ...pair } of candidates(state, factory)) checkPair(`"${path}": ${role}`, pair);
  return state;
}

function checkPair(what: string, { certificate, key }: KeyAndCertificate): void {
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error(`${what}: the key is not the certificate's`);
}

const FILE = 'identity.json';
const OPERATIONAL = z.strictObject({ certificate: z.string(), key: z.string(), renewFrom: z.iso.datetime() });
const NEXT = z.strictObject({
  requestId: z.string(),
  csr: z.base64url(),
  key: z.string(),
  issued: z.strictObject({ certificate: z.string(), renewFrom: z.iso.datetime() }).exactOptional(),
});
const FORMAT = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  root: z.base64url().exactOptional(),
  current: OPERATIONAL.exactOptional(),
  next: NEXT.exactOptional(),
  spare: OPERATIONAL.exactOptional(),
});
