// Where does the local cloud keep its things? Everything is in one folder, `.wardkey/local` of the checkout.
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

export const REGION = 'eu-central-1';
export const ACCOUNT = '000000000000';
export const DEFAULT_FOLDER = join(import.meta.dirname, '..', '..', '.wardkey', 'local');

/** Paths; `path` is absolute, without links. `forget` deletes state (also one put aside), temporary, the authority. */
export interface LocalFolder {
  readonly path: string;
  readonly venv: string;
  readonly lock: string;
  readonly ports: string;
  readonly log: string;
  /** Written by the server about itself. */
  readonly server: string;
  readonly state: string;
  readonly temporary: string;
  readonly certificateAuthority: string;
  /** Written by the server when it could not read its saved state. */
  readonly notice: string;
  /** An empty file in the place of ~/.aws/config. */
  readonly awsConfig: string;
}

export function openFolder(path: string): LocalFolder {
  mkdirSync(path, { recursive: true });
  const real = realpathSync(path);
  const inside = (name: string): string => join(real, name);
  return {
    path: real,
    venv: inside('venv'),
    lock: inside('up.lock'),
    ports: inside('ports.json'),
    log: inside('server.log'),
    server: inside('server.json'),
    state: inside('state'),
    temporary: inside('tmp'),
    certificateAuthority: inside('broker-ca.pem'),
    notice: inside('notice'),
    awsConfig: inside('aws-config'),
  };
}
