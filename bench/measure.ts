// How fast, in rows per second of one core? User and system time of this process, so that other work does not count.

export interface Figure {
  readonly name: string;
  /** What is inside the figure, and what a peer gives that ours does not. */
  readonly inside: string;
  readonly rates: readonly number[];
}

export interface Subject {
  readonly name: string;
  readonly inside: string;
  readonly rows: number;
  /** Does the work for so many rows. */
  run(rows: number): void | Promise<void>;
}

const ROUNDS = 5;

/** All subjects take turns in each round; a first round is thrown away. */
export async function measureAll(
  subjects: readonly Subject[],
  tell: (line: string) => void,
): Promise<readonly Figure[]> {
  const rates = subjects.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round += 1) {
    tell(`round ${round} of ${ROUNDS}`);
    for (const [index, subject] of subjects.entries()) {
      const rate = await rateOf(subject);
      if (round > 0) rates[index]?.push(rate);
    }
  }
  return subjects.map(({ name, inside }, index) => ({
    name,
    inside,
    rates: [...(rates[index] ?? [])].sort((a, b) => a - b),
  }));
}

async function rateOf(subject: Subject): Promise<number> {
  const { rows } = subject;
  const before = process.cpuUsage();
  await subject.run(rows);
  const { user, system } = process.cpuUsage(before);
  return (rows * 1e6) / (user + system);
}

export function describe({ name, inside, rates }: Figure): readonly string[] {
  const at = (index: number) => Math.round(rates[index] ?? 0).toLocaleString('en');
  return [name, `${at(0)} / ${at(Math.floor(rates.length / 2))} / ${at(rates.length - 1)}`, inside];
}
