// What has a ceremony come to so far? One file, written whole or not at all; public parts and sealed ones only.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CLOSED_FOLDER, replaceFile, SECRET } from '../station/durable-file.ts';
import { UsageError } from '../terminal.ts';

export interface CeremonyNotes {
  /** The value noted under this name; made and noted when there is none. */
  once(name: string, make: () => Promise<string>): Promise<string>;
  read(name: string): string | undefined;
}

/** A folder belongs to one ceremony: another owner or other keys need another one. */
export function openNotes(folder: string, ceremony: string): CeremonyNotes {
  const file = join(folder, 'ceremony.json');
  const notes: Record<string, string> = existsSync(file) ? parseNotes(readFileSync(file, 'utf8'), file) : {};
  // Not before there is something to note: a command that was mistyped leaves nothing.
  const save = () => {
    mkdirSync(folder, { recursive: true, mode: CLOSED_FOLDER });
    replaceFile(file, { text: `${JSON.stringify(notes, null, 2)}\n`, mode: SECRET });
  };
  if ((notes['ceremony'] ??= ceremony) !== ceremony)
    throw new UsageError(`"${folder}" holds another ceremony (${notes['ceremony']}): name another folder`);
  return {
    read: (name) => notes[name],
    async once(name, make) {
      const known = notes[name];
      if (known !== undefined) return known;
      notes[name] = await make();
      save();
      return notes[name];
    },
  };
}

function parseNotes(text: string, file: string): Record<string, string> {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    throw new UsageError(`"${file}" cannot be read: name another folder, or remove it`);
  }
}
