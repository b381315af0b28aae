// How does TypeScript become what Lambda runs? All handlers in one run of esbuild, each into a folder of its own.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

import { STEPS, type StepName } from '../shared/env.ts';

export type Bundles = (step: StepName) => Code;

/**
 * Each run has a folder of its own, so that two may run at once, and always at the same depth, so that source maps name
 * the same relative paths and the hash of an asset depends on nothing but the code. Dependencies, the AWS SDK too, are
 * bundled in at the versions of the lock file.
 */
export function bundleHandlers(): Bundles {
  const output = createOutput();
  buildSync({
    entryPoints: Object.fromEntries(Object.keys(STEPS).map((step) => [`${step}/handler`, source(step as StepName)])),
    outdir: output,
    outExtension: { '.js': '.mjs' },
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'error',
    // Some packages still call require(); an ES module has none of its own.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  return (step) => Code.fromAsset(join(output, step));
}

/** Stands in for every handler where only the templates matter (`-c bundle=false`). It refuses to run. */
export function placeholders(): Bundles {
  return () => Code.fromInline("exports.handler = () => { throw new Error('built with -c bundle=false') };");
}

// CDK copies what it needs into the assembly at once; the folder goes with the process.
function createOutput(): string {
  mkdirSync(join(ROOT, 'cdk.out'), { recursive: true });
  const output = mkdtempSync(join(ROOT, 'cdk.out', 'bundles-'));
  process.on('exit', () => {
    rmSync(output, { recursive: true, force: true });
  });
  return output;
}

function source(step: StepName): string {
  return join(ROOT, 'functions', STEPS[step], step, 'handler.ts');
}

const ROOT = join(import.meta.dirname, '..');
