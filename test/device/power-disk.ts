// What is on a disk after the power was cut? Only what was synced is sure; of the rest, any part may be there.
import { dirname } from 'node:path';

import type { Disk } from '../../device/disk.ts';

export class PowerCut extends Error {}

interface File {
  text: string;
  /** What a cut cannot take any more. */
  synced: string | undefined;
}

type Name = readonly [path: string, file: File | undefined];

/** `cutAt`: before the step of this number, counted from 0, or in the midst of it. */
export class PowerDisk implements Disk {
  readonly steps: string[] = [];
  /** Called when the power goes; every later step fails too. */
  onCut: () => void = () => undefined;
  readonly cutAt: number;
  #names = new Map<string, File>();
  /** Changes of names since the last sync of their folder, in order. */
  #unsynced: Name[] = [];
  #syncedNames = new Map<string, File>();
  #cut = false;

  constructor(cutAt = Infinity, survived: ReadonlyMap<string, string> = new Map()) {
    this.cutAt = cutAt;
    for (const [path, text] of survived) this.#names.set(path, { text, synced: text });
    this.#syncedNames = new Map(this.#names);
  }

  read(path: string): string | undefined {
    return this.#names.get(path)?.text;
  }

  makeFolder(): void {
    this.#step('make folder', () => undefined);
  }

  create(path: string, text: string): void {
    if (this.#names.has(path)) throw new Error(`EEXIST ${path}`);
    this.#step(`create ${path}`, (whole) => {
      this.#name(path, { text: whole ? text : text.slice(0, text.length / 2), synced: undefined });
    });
  }

  sync(path: string): void {
    this.#step(`sync ${path}`, (whole) => {
      const file = this.#names.get(path);
      if (file !== undefined && whole) file.synced = file.text;
      if (file !== undefined || !whole) return;
      const [own, others] = [
        this.#unsynced.filter(([name]) => dirname(name) === path),
        this.#unsynced.filter(([name]) => dirname(name) !== path),
      ];
      for (const [name, target] of own) rename(this.#syncedNames, name, target);
      this.#unsynced = others;
    });
  }

  rename(from: string, to: string): void {
    this.#step(`rename ${from} ${to}`, (whole) => {
      const file = this.#names.get(from);
      if (file === undefined) throw new Error(`ENOENT ${from}`);
      if (!whole) return;
      this.#name(to, file);
      this.#name(from, undefined);
    });
  }

  remove(path: string): void {
    this.#step(`remove ${path}`, (whole) => {
      if (whole && this.#names.has(path)) this.#name(path, undefined);
    });
  }

  /** Every content that a disk may have after the power was cut now. */
  remains(): ReadonlyMap<string, string>[] {
    const found = new Map<string, ReadonlyMap<string, string>>();
    for (let choice = 0; choice < 2 ** this.#unsynced.length; choice += 1) {
      const names = new Map(this.#syncedNames);
      this.#unsynced.forEach(([path, file], index) => {
        if ((choice & (2 ** index)) !== 0) rename(names, path, file);
      });
      for (const kept of ['all', 'half', 'none'] as const) {
        const texts = new Map([...names].map(([path, file]) => [path, textOf(file, kept)] as const));
        found.set(JSON.stringify([...texts].sort()), texts);
      }
    }
    return [...found.values()];
  }

  #name(path: string, file: File | undefined): void {
    rename(this.#names, path, file);
    this.#unsynced.push([path, file]);
  }

  #step(what: string, act: (whole: boolean) => void): void {
    if (this.#cut) throw new PowerCut('no power');
    const number = this.steps.push(what) - 1;
    if (number === Math.floor(this.cutAt)) {
      this.#cut = true;
      // Half a number is in the midst of the step.
      if (this.cutAt > number) act(false);
      this.onCut();
      throw new PowerCut(`power cut at step ${this.cutAt}: ${what}`);
    }
    act(true);
  }
}

function rename(names: Map<string, File>, path: string, file: File | undefined): void {
  if (file === undefined) names.delete(path);
  else names.set(path, file);
}

function textOf({ text, synced }: File, kept: 'all' | 'half' | 'none'): string {
  if (synced !== undefined) return synced;
  return kept === 'all' ? text : kept === 'half' ? text.slice(0, text.length / 2) : '';
}
