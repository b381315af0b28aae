// How is a file written so that a kill at any point leaves all of it or none? Under a name of its own first.
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface Content {
  readonly text: string;
  readonly mode: number;
}

/** Only this user reads it. */
export const SECRET = 0o600;
export const PUBLIC = 0o644;
export const CLOSED_FOLDER = 0o700;

const DRAFT = '.draft';

/** False when the file is there already: it stays as it is. On true the whole content is on the disk. */
export function createFile(path: string, content: Content): boolean {
  const draft = writeDraft(path, content);
  try {
    // Unlike a rename, a link never takes the place of another: of two writers the first one wins.
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Readers see the former content or the new one. */
export function replaceFile(path: string, content: Content): void {
  renameSync(writeDraft(path, content), path);
}

/** Removes what killed writers left in a folder. One that is alive in there fails, and may be run again. */
export function removeDrafts(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.startsWith('.') && name.endsWith(DRAFT)) rmSync(join(folder, name), { force: true });
}

/** A kill from here on leaves the draft behind, which nobody reads. */
function writeDraft(path: string, { text, mode }: Content): string {
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}${DRAFT}`);
  const file = openSync(draft, 'wx', mode);
  try {
    writeFileSync(file, text);
    // Without it a power cut could leave the name without the bytes.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}
