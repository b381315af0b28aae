// How is a file replaced so that a power cut at any moment leaves the former content or the new one? In four steps on a disk.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What a device needs of a disk. Nothing is durable before `sync`: not bytes, and not names, which a folder keeps. */
export interface Disk {
  /** Undefined when there is no such file. */
  read(path: string): string | undefined;
  /** With what is above it. Only this user may enter. */
  makeFolder(path: string): void;
  /** A file that must not be there yet. Only this user may read it. */
  create(path: string, text: string): void;
  /** A file or a folder. */
  sync(path: string): void;
  /** Takes the place of the other, at once. */
  rename(from: string, to: string): void;
  /** Absent is fine. */
  remove(path: string): void;
}

/** On return the new content is durable. A cut before the rename leaves a draft, which nobody reads. */
export function replaceFile(disk: Disk, path: string, text: string): void {
  const draft = join(dirname(path), `.${basename(path)}.draft`);
  // Of an earlier cut; and whoever made it could read what is written into it.
  disk.remove(draft);
  disk.create(draft, text);
  // Without this the new name could stand for an empty file after a cut.
  disk.sync(draft);
  disk.rename(draft, path);
  disk.sync(dirname(path));
}

export const nodeDisk: Disk = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  makeFolder: (path) => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  },
  create: (path, text) => {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  },
  sync: (path) => {
    const file = openSync(path, 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  },
  rename: renameSync,
  remove: (path) => {
    rmSync(path, { force: true });
  },
};
