// How far is a long run? A bar with its rate, from the third second on: drawn over itself at a terminal, else in lines.
import { colour, dim, type Terminal } from '../terminal.ts';

export interface Run<T> {
  readonly title: string;
  readonly total: number;
  readonly terminal: Terminal;
  /** Calls `advance` once for each thing that is done. */
  readonly work: (advance: () => void) => Promise<T>;
}

/** Where it draws; `process.stderr` is one, so that stdout stays one document. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const FIRST_MS = 2_000;
const REDRAW_MS = 200;
const WIDTH = 24;
/** Back to the first column, and the line cleared. */
const OVER = '\r\u001b[2K';

export async function withBar<T>(run: Run<T>, screen: Screen = process.stderr): Promise<T> {
  const { title, total, terminal, work } = run;
  const started = performance.now();
  let done = 0;
  const bar = () => drawBar(done, total, performance.now() - started);
  if (screen.isTTY === true) return drawWhile(run, screen, { advance: () => void (done += 1), bar });
  return terminal.step(title, (note) =>
    work(() => {
      done += 1;
      note(bar());
    }),
  );
}

/** The lines that a step says, with the bar between them instead of its heartbeat. */
async function drawWhile<T>(
  { title, terminal, work }: Run<T>,
  screen: Screen,
  { advance, bar }: { advance: () => void; bar: () => string },
): Promise<T> {
  terminal.say(`  · ${title}`);
  const draw = () => screen.write(`${OVER}${dim(`    ${bar()}`)}`);
  let timer = setTimeout(function again() {
    draw();
    timer = setTimeout(again, REDRAW_MS);
  }, FIRST_MS);
  let mark = colour('red', '✗');
  try {
    const value = await work(advance);
    mark = colour('green', '✓');
    return value;
  } finally {
    clearTimeout(timer);
    screen.write(OVER);
    terminal.say(`  ${mark} ${title} ${dim(bar())}`);
  }
}

/** `[######------------------]  1200/4800  18600/min  12 s left`. */
export function drawBar(done: number, total: number, milliseconds: number): string {
  const filled = total === 0 ? WIDTH : Math.floor((done / total) * WIDTH);
  const left =
    done > 0 && milliseconds > 0 ? `  ${Math.ceil(((total - done) * milliseconds) / done / 1000)} s left` : '';
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}]`;
  return `${bar}  ${done}/${total}  ${perMinute(done, milliseconds)}/min${left}`;
}

/** A factory counts by the minute. */
export function perMinute(done: number, milliseconds: number): number {
  return milliseconds > 0 ? Math.round((done / milliseconds) * 60_000) : 0;
}
