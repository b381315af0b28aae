// What does AWS KMS say of a key? Decides nothing.
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  GetPublicKeyCommand,
  ListResourceTagsCommand,
  NotFoundException,
  type KMSClient,
} from '@aws-sdk/client-kms';

import { Fault } from '../outcome.ts';
import type { KeyDescription, KeyInspector } from '../ports.ts';

export function kmsKeyInspector(client: KMSClient): KeyInspector {
  return {
    async describe(keyArn) {
      try {
        return await describe(client, keyArn);
      } catch (error) {
        if (error instanceof NotFoundException) return undefined;
        // Not tagged for us, or of a policy that lets us see nothing: for whoever asks, there is no such key.
        if (error instanceof Error && error.name === 'AccessDeniedException') return undefined;
        throw error;
      }
    },
  };
}

async function describe(client: KMSClient, KeyId: string): Promise<KeyDescription> {
  const { KeyMetadata: key } = await client.send(new DescribeKeyCommand({ KeyId }));
  // An alias or a bare id would be another key tomorrow, or in another Region.
  if (key?.Arn !== KeyId)
    throw new Fault('answer-malformed', `expected the KMS key "${KeyId}", got "${key?.Arn ?? ''}"`);
  const [{ Tags = [] }, { Policy = '' }] = await Promise.all([
    client.send(new ListResourceTagsCommand({ KeyId })),
    client.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' })),
  ]);
  return {
    spec: key.KeySpec ?? 'unknown',
    usage: key.KeyUsage ?? 'unknown',
    status: key.KeyState ?? 'unknown',
    tags: Object.fromEntries(Tags.map(({ TagKey = '', TagValue = '' }) => [TagKey, TagValue])),
    policy: Policy,
    ...(key.KeyUsage === 'SIGN_VERIFY' ? await readPublicKey(client, KeyId) : {}),
  };
}

async function readPublicKey(client: KMSClient, KeyId: string) {
  const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId }));
  return PublicKey === undefined ? {} : { publicKey: PublicKey };
}
