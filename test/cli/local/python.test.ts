// Does a machine without the right Python get told so in one sentence?
import { expect, test } from 'vitest';

import { LocalCloudError } from '../../../cli/local/cloud.ts';
import { findPython } from '../../../cli/local/python.ts';
import { pathWith } from './rooms.ts';

const refusals = [
  {
    title: 'no Python in PATH',
    path: () => pathWith([], ''),
    sentence: 'the local cloud needs Python 3.10 or newer, but there is no python3 in PATH',
  },
  {
    title: 'a Python that does not run',
    path: () => pathWith(['python3'], 'exit 127'),
    sentence: 'the local cloud needs Python 3.10 or newer, but there is no python3 in PATH',
  },
  {
    title: 'only an older Python',
    path: () => pathWith(['python3'], answer('/usr/bin/python3', '[3, 9]', 'true')),
    sentence: 'the local cloud needs Python 3.10 or newer, but /usr/bin/python3 is Python 3.9',
  },
  {
    title: 'a Python without the venv module',
    path: () => pathWith(['python3'], answer('/usr/bin/python3', '[3, 11]', 'false')),
    sentence: '/usr/bin/python3 cannot make virtual environments: install python3-venv',
  },
];

test.each(refusals)('refuses $title', ({ path, sentence }) => {
  const folder = path();
  expect(() => findPython(folder)).toThrow(new LocalCloudError(sentence));
});

test('takes a newer python3.12 when python3 is too old', () => {
  const script = `case $0 in *3.12) ${answer('/opt/python3.12', '[3, 12]', 'true')};; *) ${answer('/usr/bin/python3', '[3, 9]', 'true')};; esac`;
  expect(findPython(pathWith(['python3', 'python3.12'], script))).toBe('/opt/python3.12');
});

function answer(path: string, version: string, complete: string): string {
  return `echo '{"path": "${path}", "version": ${version}, "complete": ${complete}}'`;
}
