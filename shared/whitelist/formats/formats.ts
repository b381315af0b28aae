// Which formats are there, and which is this file's? Decided by its name: content must not choose its own parser.
import { done, refused, type Outcome } from '../../outcome.ts';
import { certificateBlocks, certificateLines } from './certificates.ts';
import { espressif } from './espressif.ts';
import type { ManifestFormat } from './format.ts';
import { infineon } from './infineon.ts';
import { microchip } from './microchip.ts';
import { wardkey } from './wardkey.ts';

export const FORMATS: readonly ManifestFormat[] = [
  wardkey,
  microchip,
  espressif,
  infineon,
  certificateLines,
  certificateBlocks,
];

/** A name that no format knows is refused; there is no default. */
export function formatOf(fileName: string): Outcome<ManifestFormat> {
  const format = FORMATS.find((candidate) => candidate.recognises(fileName));
  return format === undefined ? refused({ reason: 'format-unknown', file: fileName }) : done(format);
}
