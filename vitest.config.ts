// Which tests are there? Three projects: what needs nothing, what needs servers, and the whole path end to end.
import { configDefaults, defineConfig } from 'vitest/config';

const SERVERS = ['test/contracts/**/*.test.ts', 'test/cli/local/**/*.test.ts', 'test/counterparts/**/*.test.ts'];
const END_TO_END = ['test/e2e/**/*.test.ts'];
const EXCLUDED = configDefaults.exclude;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [...EXCLUDED, ...SERVERS, ...END_TO_END],
          testTimeout: 60_000,
        },
      },
      { test: { name: 'servers', include: SERVERS, testTimeout: 120_000, hookTimeout: 120_000 } },
      {
        test: { name: 'e2e', include: END_TO_END, testTimeout: 600_000, hookTimeout: 300_000, fileParallelism: false },
      },
    ],
  },
});
