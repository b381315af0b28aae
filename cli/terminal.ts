// How does a command speak? Results on stdout, one JSON document with --json; progress while it works.
import Table from 'cli-table3';
import { styleText } from 'node:util';

/** What a command says at its end. Exit code 0 when ok, 1 when refused or invalid. */
export interface Answer {
  readonly ok: boolean;
  readonly json: object;
  readonly text: string;
}

/** Wrong use of the command line: exit code 2. */
export class UsageError extends Error {}

export interface Terminal {
  /** Tells what is about to happen, and how long it took; more than two seconds show progress. */
  step<T>(title: string, run: (note: (line: string) => void) => Promise<T>): Promise<T>;
  say(line: string): void;
}

type Colour = 'green' | 'red' | 'yellow' | 'bold' | 'dim';

const FIRST_BEAT_MS = 2_000;

/** Narration goes to stdout for people and to stderr beside JSON, so that a pipe reads one document. */
export function openTerminal(json: boolean): Terminal {
  const stream = json ? process.stderr : process.stdout;
  const say = (line: string) => stream.write(`${line}\n`);
  return {
    say,
    async step(title, run) {
      const started = performance.now();
      const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
      let last = '';
      const beat = startHeartbeat(() => say(dim(`    … ${seconds()}${last === '' ? '' : `  ${last}`}`)));
      say(`  · ${title}`);
      try {
        const value = await run((line) => (last = line.trim().slice(0, 100)));
        say(`  ${colour('green', '✓')} ${title} ${dim(`(${seconds()})`)}`);
        return value;
      } catch (error) {
        say(`  ${colour('red', '✗')} ${title} ${dim(`(${seconds()})`)}`);
        throw error;
      } finally {
        clearTimeout(beat.timer);
      }
    },
  };
}

/** First after two seconds, then ever more seldom: a long wait must not fill the screen. */
function startHeartbeat(tell: () => void): { timer: NodeJS.Timeout } {
  const beat = { timer: setTimeout(again, FIRST_BEAT_MS, FIRST_BEAT_MS) };
  function again(pause: number) {
    tell();
    beat.timer = setTimeout(again, pause * 1.5, pause * 1.5);
  }
  return beat;
}

/** styleText leaves colours out where stdout is no terminal or NO_COLOR is set. */
export function colour(name: Colour, text: string): string {
  return styleText(name, text, { stream: process.stdout });
}

export function dim(text: string): string {
  return colour('dim', text);
}

/** Text is made plain; what is styled was coloured here and holds nothing from outside. */
export type Cell = string | { readonly styled: string };

export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const grid = new Table({ head: [...head], style: { head: [], border: [] } });
  grid.push(...rows.map((row) => row.map((cell) => (typeof cell === 'string' ? plain(cell) : cell.styled))));
  return grid.toString();
}

/** Text from outside must not steer the terminal: control characters are shown, not sent (T122). */
export function plain(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
