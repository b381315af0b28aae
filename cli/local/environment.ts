// What must a child process (cdk, aws, a script) have in its environment to reach the local cloud and nothing else?
import { ACCOUNT, REGION, type LocalFolder } from './folder.ts';

/** Undefined means: not set, even if the caller's own environment has it (`spawn` leaves such entries out). */
export type Environment = Readonly<Record<string, string | undefined>>;

export function environmentFor(endpoint: string, folder: LocalFolder): Environment {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    CDK_DEFAULT_ACCOUNT: ACCOUNT,
    CDK_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    // The user's own profiles must not send a local command to a real account.
    AWS_CONFIG_FILE: folder.awsConfig,
    AWS_SHARED_CREDENTIALS_FILE: folder.awsConfig,
    AWS_PROFILE: undefined,
    AWS_DEFAULT_PROFILE: undefined,
    AWS_SESSION_TOKEN: undefined,
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: undefined,
    NO_PROXY: 'localhost,127.0.0.1',
    no_proxy: 'localhost,127.0.0.1',
  };
}
