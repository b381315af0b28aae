// What must every queue to align-broker do? A request arrives, with the device or certificate that was named.
import { describe, expect, test } from 'vitest';

import type { AlignmentQueue } from '../../shared/ports.ts';

export interface AlignmentQueueStage {
  readonly queue: () => AlignmentQueue;
  /** Bodies of what has arrived since the last call, as align-broker reads them. */
  readonly arrived: () => Promise<readonly string[]>;
}

const CERTIFICATE = 'c'.repeat(64);

export function alignmentQueueContract(name: string, { queue, arrived }: AlignmentQueueStage): void {
  describe(`alignment queue contract: ${name}`, () => {
    test('a request arrives in the form that align-broker reads', async () => {
      await queue().request('acme-A1');
      expect((await arrived()).map((body): unknown => JSON.parse(body))).toEqual([{ device: 'acme-A1' }]);
    });

    test('a request for a certificate arrives as one, and never as a device', async () => {
      await queue().requestCertificate(CERTIFICATE);
      expect((await arrived()).map((body): unknown => JSON.parse(body))).toEqual([{ certificate: CERTIFICATE }]);
    });

    test('the same device may be asked for again', async () => {
      await queue().request('acme-A2');
      await queue().request('acme-A2');
      expect(await arrived()).toHaveLength(2);
    });
  });
}
