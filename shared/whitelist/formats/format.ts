// What is a manifest format? One file with one parser: bytes of a maker's file become entries (docs/formats.md).
import type { Anchor } from '../../identity/anchor.ts';
import type { Certificate } from '../../identity/certificate.ts';
import type { Outcome } from '../../outcome.ts';

/** One device of a manifest, checked as far as the file itself allows. */
export interface ManifestEntry {
  readonly serial: string;
  /** Absent where the file brings only a key: such a listing waits. */
  readonly certificate?: Certificate;
  /** Lower-case hex SHA-256 of the SubjectPublicKeyInfo DER. */
  readonly keyFingerprint: string;
  /** Issuers that the manifest brings, the leaf's issuer first; not trusted, and maybe none. */
  readonly chain: readonly Certificate[];
  /** Who signed this very entry, in formats that sign each. */
  readonly signedBy?: { readonly signer: string; readonly signedAt: string };
}

export interface NumberedEntry {
  /** The row or element as a person would count, from 1; of what is wrong with the whole file, where it shows. */
  readonly line: number;
  readonly entry: Outcome<ManifestEntry>;
}

export interface FormatContext {
  readonly manufacturer: string;
  /** Manifest signers trusted for this manufacturer; none: nothing is trusted. */
  readonly signers: readonly Anchor[];
  readonly now: string;
}

export interface ManifestFormat {
  readonly name: string;
  /** `file`: a detached JWS (signature.ts) covers the whole file. `entry`: each entry carries its own signature. */
  readonly signature: 'file' | 'entry';
  /** By file name only: content decides nothing about how it is parsed. */
  recognises(fileName: string): boolean;
  /**
   * In bounded memory. Whatever the bytes are, they are refused and not thrown; where the file cannot be read on, a refusal
   * is the last entry. For `file` formats the caller has verified the signature over the same bytes.
   */
  read(chunks: AsyncIterable<Uint8Array>, context: FormatContext): AsyncGenerator<NumberedEntry>;
}

export function malformed(line: number, problem: string) {
  return { outcome: 'refused', refusal: { reason: 'manifest-malformed', line, problem } } as const;
}
