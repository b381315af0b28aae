// Which AWS does this command talk to: the one of the environment, or the local cloud of this checkout?
import type { PlaceOptions } from './command.ts';
import { DEFAULT_FOLDER, localUp, type LocalCloud } from './local/cloud.ts';
import { UsageError, type Terminal } from './terminal.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What every AWS SDK client of the CLI is made with. */
export interface ClientConfig {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: Credentials;
  /** Locally only: bucket names are no host names there. */
  readonly forcePathStyle?: true;
}

export interface Place {
  readonly prefix: string;
  readonly config: ClientConfig;
  readonly local?: LocalCloud;
}

/** Credentials come from the usual AWS places; locally, unless some are given, from the local cloud's root. */
export async function findPlace(options: PlaceOptions, terminal: Terminal): Promise<Place> {
  const { prefix } = options;
  if (options.local !== true) {
    const region = options.region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
    if (region === undefined) throw new UsageError('expected --region, AWS_REGION, or --local for the local cloud');
    const endpoint = process.env['AWS_ENDPOINT_URL'];
    return { prefix, config: endpoint === undefined ? { region } : { region, endpoint, forcePathStyle: true } };
  }
  const local = await localUp({
    folder: DEFAULT_FOLDER,
    progress: (line) => {
      terminal.say(`  · ${line}`);
    },
  });
  return placeInLocalCloud(local, prefix, environmentCredentials() ?? local.credentials);
}

export function placeInLocalCloud(local: LocalCloud, prefix: string, credentials: Credentials): Place {
  return {
    prefix,
    local,
    config: { region: local.region, endpoint: local.endpoint, credentials: { ...credentials }, forcePathStyle: true },
  };
}

function environmentCredentials(): Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  return accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey };
}
