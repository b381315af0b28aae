// Which Python can run the local cloud? The first one in PATH that is 3.10 or newer and can make virtual environments.
import { execFileSync } from 'node:child_process';

import { LocalCloudError } from './error.ts';

const NAMES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const QUESTION = `
import json, sys
try:
    import ensurepip, venv
    complete = True
except ImportError:
    complete = False
print(json.dumps({"path": sys.executable, "version": sys.version_info[:2], "complete": complete}))
`;

interface Python {
  readonly path: string;
  readonly version: readonly [number, number];
  readonly complete: boolean;
}

/** The path of a Python to make virtual environments with; throws LocalCloudError that says what to install. */
export function findPython(path: string): string {
  const found = NAMES.map((name) => ask(name, path)).filter((python) => python !== undefined);
  const usable = found.filter(isNewEnough);
  const chosen = usable.find((python) => python.complete);
  if (chosen !== undefined) return chosen.path;
  if (usable[0] !== undefined) {
    throw new LocalCloudError(`${usable[0].path} cannot make virtual environments: install python3-venv`);
  }
  if (found[0] !== undefined) {
    const [major, minor] = found[0].version;
    throw new LocalCloudError(
      `the local cloud needs Python 3.10 or newer, but ${found[0].path} is Python ${major}.${minor}`,
    );
  }
  throw new LocalCloudError('the local cloud needs Python 3.10 or newer, but there is no python3 in PATH');
}

// Undefined also for a name that is there but does not run, like a pyenv shim of a version that is not chosen.
function ask(name: string, path: string): Python | undefined {
  try {
    const answer = execFileSync(name, ['-I', '-c', QUESTION], {
      env: { ...process.env, PATH: path },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(answer) as Python;
  } catch {
    return undefined;
  }
}

function isNewEnough({ version: [major, minor] }: Python): boolean {
  return major > 3 || (major === 3 && minor >= 10);
}
