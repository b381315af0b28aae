// What must every queue to align-broker and change-trust do? A request arrives where it is read, with what was named.
import { describe, expect, test } from 'vitest';

import type { AlignmentQueue } from '../../shared/ports.ts';

export interface AlignmentQueueStage {
  readonly queue: () => AlignmentQueue;
  /** Bodies of what has arrived on one of the queues since the last call, as its reader sees them. */
  readonly arrived: (kind: 'devices' | 'certificates' | 'authorities') => Promise<readonly string[]>;
}

const CERTIFICATE = 'c'.repeat(64);

export function alignmentQueueContract(name: string, { queue, arrived }: AlignmentQueueStage): void {
  describe(`alignment queue contract: ${name}`, () => {
    test('a request arrives in the form that align-broker reads', async () => {
      await queue().request('acme-A1');
      expect((await arrived('devices')).map((body): unknown => JSON.parse(body))).toEqual([{ device: 'acme-A1' }]);
    });

    test('a request for a certificate arrives as one, and never as a device', async () => {
      await queue().requestCertificate(CERTIFICATE);
      expect((await arrived('certificates')).map((body): unknown => JSON.parse(body))).toEqual([
        { certificate: CERTIFICATE },
      ]);
    });

    test('a request to revoke arrives on the queue of devices: it is no less urgent', async () => {
      await queue().requestRevocation(CERTIFICATE);
      expect((await arrived('devices')).map((body): unknown => JSON.parse(body))).toEqual([
        { certificate: CERTIFICATE },
      ]);
    });

    test('a request for an authority arrives on the queue that change-trust reads', async () => {
      await queue().requestAuthority(CERTIFICATE);
      expect((await arrived('authorities')).map((body): unknown => JSON.parse(body))).toEqual([
        { authority: CERTIFICATE },
      ]);
    });

    test('what arrives on one queue arrives on no other', async () => {
      await queue().request('acme-A3');
      await queue().requestCertificate(CERTIFICATE);
      await queue().requestRevocation(CERTIFICATE);
      await queue().requestAuthority(CERTIFICATE);
      const kinds = ['devices', 'certificates', 'authorities'] as const;
      const counts = [];
      for (const kind of kinds) counts.push((await arrived(kind)).length);
      expect(counts).toEqual([2, 1, 1]);
    });

    test('the same device may be asked for again', async () => {
      await queue().request('acme-A2');
      await queue().request('acme-A2');
      expect(await arrived('devices')).toHaveLength(2);
    });
  });
}
