// The program that `cdk` runs (cdk.json): parameters in, templates in cdk.out out, or one line that says what is wrong.
import { App } from 'aws-cdk-lib';

import { buildDeployment } from './deployment.ts';

try {
  const app = new App();
  buildDeployment(app, process.env);
  app.synth(); // an open finding makes this throw, or sets the exit code: either way there is no deploy
} catch (error) {
  console.error(`wardkey: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
