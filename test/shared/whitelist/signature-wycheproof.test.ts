// Does the verify path hold against Project Wycheproof's ECDSA vectors for P-256, SHA-256, r and s side by side?
// The vectors sign their own messages, without our header: the signing prefix is empty here, all else is our path.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parseDetachedSignature, signatureHeader, startManifestCheck } from '../../../shared/whitelist/signature.ts';
import { anchorOf, makeSigner, type Party } from '../../pki/certificates.ts';
import { NOW, SIGNED_AT, withKey } from './signed.ts';

interface Vectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

const FILE = join(import.meta.dirname, '../../../../shared/corpora/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json');
const present = existsSync(FILE);

test.skipIf(!present)(
  'T007 accepts every valid Wycheproof vector and no other (skips without ../shared/corpora)',
  async () => {
    const { testGroups, numberOfTests } = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;
    const party = await makeSigner();
    const verdicts = testGroups.flatMap(({ publicKeyDer, tests }) => {
      const key = createPublicKey({ key: Buffer.from(publicKeyDer, 'hex'), format: 'der', type: 'spki' });
      return tests.map(({ tcId, comment, msg, sig, result }) => ({
        vector: `${tcId} ${comment}`,
        expected: result === 'valid',
        accepted: accepts({ party, key }, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex')),
      }));
    });
    expect(verdicts).toHaveLength(numberOfTests);
    expect(verdicts.filter(({ expected }) => expected).length).toBeGreaterThan(100);
    expect(verdicts.filter(({ expected, accepted }) => expected !== accepted)).toEqual([]);
  },
);

function accepts({ party, key }: { party: Party; key: KeyObject }, message: Buffer, value: Buffer): boolean {
  const header = signatureHeader(party.certificate.fingerprint, SIGNED_AT);
  const signature = parseDetachedSignature(`${header}..${value.toString('base64url')}`);
  if (signature.outcome === 'refused') return false;
  const anchor = withKey(anchorOf(party, 'signer'), key);
  const check = startManifestCheck({ ...signature.value, signingPrefix: '' }, anchor, NOW);
  if (check.outcome === 'refused') throw new Error(JSON.stringify(check.refusal));
  check.value.update(message);
  return check.value.finish().outcome === 'done';
}
