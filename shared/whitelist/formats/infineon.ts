// Infineon OPTIGA Trust M: a bundle of three certificates a chip, as a tar of the unpacked folders E0E0, E0E1 and E0E2.
import { parseCertificate, parsePemCertificate } from '../../identity/certificate.ts';
import { refused, type Outcome, type Refused } from '../../outcome.ts';
import { certifiedEntry } from './entry.ts';
import {
  malformed,
  type FormatContext,
  type ManifestEntry,
  type ManifestFormat,
  type NumberedEntry,
} from './format.ts';
import { readTar, type ArchivedFile } from './tar.ts';

export const infineon: ManifestFormat = {
  name: 'infineon',
  signature: 'file',
  recognises: (fileName) => fileName.endsWith('.tar'),
  read,
};

/** What is kept of a chip until its last slot came: the folders stand one behind the other. */
interface Chip {
  readonly id: string;
  /** The order of its first file, from 1. */
  readonly number: number;
  readonly seen: Set<string>;
  /** DER of slot E0E0, dropped when the chip is complete. */
  identity?: Uint8Array | undefined;
  refusal?: Refused;
}

/** Memory grows with the chips of a bundle, a kilobyte each, up to 100,000 of them: a reel holds thousands. */
async function* read(chunks: AsyncIterable<Uint8Array>, context: FormatContext): AsyncGenerator<NumberedEntry> {
  const chips = new Map<string, Chip>();
  let files = 0;
  for await (const file of readTar(chunks)) {
    files += 1;
    if (file.outcome === 'refused') {
      yield { line: files, entry: file };
      return;
    }
    if (file.value.name === 'README.txt') continue;
    const [, folder, id = '', slot = ''] = NAME.exec(file.value.name) ?? [];
    if (folder === undefined || folder !== slot) {
      yield { line: files, entry: malformed(files, `unknown file "${file.value.name}"`) };
      continue;
    }
    const chip = chips.get(id) ?? { id, number: chips.size + 1, seen: new Set() };
    chips.set(id, chip);
    const problem = chip.seen.has(slot) ? `"${file.value.name}": twice` : `more than ${MOST_CHIPS} chips`;
    // Readers differ in which of two files of one name they see.
    if (chip.seen.has(slot) || chips.size > MOST_CHIPS) {
      yield { line: files, entry: refused({ reason: 'archive-unsafe', problem }) };
      return;
    }
    takeSlot(chip, slot, file.value);
    if (chip.seen.size === SLOTS.length) yield { line: chip.number, entry: finish(chip, context) };
  }
  for (const chip of chips.values()) {
    const missing = SLOTS.find((slot) => !chip.seen.has(slot));
    if (missing === undefined) continue;
    yield { line: chip.number, entry: refused({ reason: 'bundle-incomplete', chip: chip.id, missing }) };
  }
}

function takeSlot(chip: Chip, slot: string, { bytes }: ArchivedFile): void {
  chip.seen.add(slot);
  const certificate = parsePemCertificate(bytes.toString('latin1'));
  if (certificate.outcome === 'refused') chip.refusal ??= certificate;
  else if (slot === IDENTITY) chip.identity = certificate.value.x509.raw;
}

function finish(chip: Chip, context: FormatContext): Outcome<ManifestEntry> {
  const { id: serial, identity = Buffer.alloc(0), refusal } = chip;
  chip.identity = undefined;
  return refusal ?? certifiedEntry({ serial, certificate: parseCertificate(identity) }, context);
}

/** E0E0 is the chip's own identity; E0E1 and E0E2 are further keys, which must be there. */
const IDENTITY = 'E0E0';
const SLOTS = ['E0E0', 'E0E1', 'E0E2'] as const;
/** The chip's id stands in the name of its files and nowhere in its certificates. */
const NAME = /^(E0E[012])\/([0-9A-F]{20})_(E0E[012])\.pem$/;
const MOST_CHIPS = 100_000;
