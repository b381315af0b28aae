// What does a command ask of a deployed function, and what does it print of the answer? AWS is played by the test.
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { LambdaClient, type InvokeCommand } from '@aws-sdk/client-lambda';
import { Command } from 'commander';
import { vi } from 'vitest';

import type { Json } from '../../shared/canonical.ts';
import { OUTPUTS, type StepName } from '../../shared/env.ts';
import type { Outcome } from '../../shared/outcome.ts';

export interface Asked {
  readonly step: string;
  readonly act: Json;
}

export interface Stage {
  /** Every act that reached a function, in order. */
  readonly asked: readonly Asked[];
  /** Runs `wardkey …`; answers what it prints. */
  run(...args: readonly string[]): Promise<string>;
}

/** A deployment in which every function gives this answer. */
export function openStage(add: (program: Command) => void, answer: Outcome<object>): Stage {
  const asked: Asked[] = [];
  // Colours are for terminals, of which whoever runs the tests may have one.
  vi.stubEnv('FORCE_COLOR', undefined);
  vi.stubEnv('NO_COLOR', '1');
  vi.stubEnv('AWS_ENDPOINT_URL', undefined);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary-secret');
  vi.stubEnv('AWS_SESSION_TOKEN', undefined);
  vi.spyOn(CloudFormationClient.prototype, 'send').mockImplementation((() => Promise.resolve(DESCRIBED)) as never);
  vi.spyOn(LambdaClient.prototype, 'send').mockImplementation(((command: InvokeCommand) => {
    const { FunctionName = '', Payload } = command.input;
    const { act } = JSON.parse(Payload as string) as { readonly act: Json };
    asked.push({ step: FunctionName.slice(FunctionName.lastIndexOf(':') + 1), act });
    return Promise.resolve({ Payload: Buffer.from(JSON.stringify(answer)) });
  }) as never);
  return { asked, run: (...args) => print(add, args) };
}

/** Ends what the stage has changed. */
export function closeStage(): void {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
}

async function print(add: (program: Command) => void, args: readonly string[]): Promise<string> {
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  add(program);
  await program.parseAsync([...args, '--region', 'eu-central-1'], { from: 'user' }).finally(() => {
    spy.mockRestore();
  });
  return written.join('');
}

const STEPS: readonly StepName[] = ['change-standing', 'approve-act', 'change-trust'];

const DESCRIBED = {
  Stacks: [
    {
      StackId: 'arn:aws:cloudformation:eu-central-1:123456789012:stack/wardkey-service/1',
      Outputs: STEPS.map((step) => ({ OutputKey: OUTPUTS.function(step), OutputValue: step })),
    },
  ],
};
