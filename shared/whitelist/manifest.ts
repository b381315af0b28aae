// What does Wardkey's own manifest say? JSON lines: one header, then one line per device (README.md of this room).
import * as z from 'zod';

import { isManufacturerCode } from '../identity/device-id.ts';
import { firstProblem, parseStrictJson } from '../json.ts';
import { done, refused, type Outcome } from '../outcome.ts';

export const MANIFEST_FORMAT = 'wardkey-manifest/1';

const HEADER = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  manufacturer: z.string().refine(isManufacturerCode, 'expected 2 to 16 a-z 0-9'),
  product: z.string().min(1).max(64),
  lot: z.string().min(1).max(64),
  count: z.int().min(0).max(1_000_000),
});

const LINE = z.strictObject({
  serial: z.string().min(1).max(128),
  /** base64 DER of the factory certificate */
  certificate: z.base64().min(1).max(8192),
});

export type ManifestHeader = z.infer<typeof HEADER>;
export type ManifestLine = z.infer<typeof LINE>;

/** Line numbers count from 1, as editors do; the header is line 1. */
export function parseManifestHeader(text: string): Outcome<ManifestHeader> {
  return parseLine(HEADER, text, 1);
}

export function parseManifestLine(text: string, line: number): Outcome<ManifestLine> {
  return parseLine(LINE, text, line);
}

export function writeManifest(
  header: Omit<ManifestHeader, 'format' | 'count'>,
  lines: readonly ManifestLine[],
): string {
  const first: ManifestHeader = { format: MANIFEST_FORMAT, ...header, count: lines.length };
  return [first, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
}

function parseLine<S extends z.ZodType>(schema: S, text: string, line: number): Outcome<z.infer<S>> {
  const json = parseStrictJson(text);
  if (json === undefined) {
    return refused({ reason: 'manifest-malformed', line, problem: 'expected one JSON object, each name once' });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return done(parsed.data);
  return refused({ reason: 'manifest-malformed', line, problem: firstProblem(parsed.error.issues) });
}
