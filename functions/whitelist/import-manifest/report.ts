// What does the factory read about its delivery? A report beside the manifest, one member per line of it.
import type { Outcome } from '../../../shared/outcome.ts';
import { countResults, type FixedDelivery, type Import } from './flow.ts';

/** JSON; `outcome` is `imported` (see `lines` for each device) or `refused` (nothing of the file was taken). */
export function writeReport({ manifestKey, signatureVersion }: FixedDelivery, outcome: Outcome<Import>): string {
  const delivery = { manifest: manifestKey, signatureVersion };
  if (outcome.outcome === 'refused') return write({ ...delivery, outcome: 'refused', refusal: outcome.refusal });
  const { manifest, header, lines } = outcome.value;
  return write({
    ...delivery,
    outcome: 'imported',
    digest: manifest.digest,
    signer: manifest.signer,
    signedAt: manifest.signedAt,
    product: header.product,
    lot: header.lot,
    results: countResults(lines),
    lines,
  });
}

function write(report: object): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
