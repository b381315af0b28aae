// How does a long wait show itself? It says what it is doing, once, when it has taken longer than two seconds.

export type Progress = (line: string) => void;

/** Runs `work`; if that takes longer than two seconds, `line` is reported. */
export async function tellIfSlow<T>(line: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => {
    progress(line);
  }, 2000);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
