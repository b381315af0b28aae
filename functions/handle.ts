// How does every function meet AWS Lambda? One middy chain: a request id, one log line, refusals and faults mapped.
// Never logs the event: it may hold what must not be kept.
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { Logger } from '@aws-lambda-powertools/logger';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

import type { StepName } from '../shared/env.ts';
import { Fault, type Outcome } from '../shared/outcome.ts';

export interface Call {
  readonly requestId: string;
  /** ARN of the deployed function that was called, without version or alias. */
  readonly functionArn: string;
}

type Run<E, T> = (event: E, call: Call) => Promise<Outcome<T>>;

/** A function that a principal invokes and that answers with an Outcome. A fault fails the invocation. */
export function handleInvocation<T>(step: StepName, run: Run<unknown, T>, tell: Tell<T> = () => ({})) {
  const told = tellOnce(step, run, tell);
  return middy<unknown, Outcome<T>>()
    .use(hideFault())
    .handler((event, context) => told(event, { requestId: context.awsRequestId, functionArn: functionArn(context) }));
}

type Told = Readonly<Record<string, string>>;
/** What the log line says of an answer besides that there is one; alarms count it. A list is told in a line each. */
type Tell<T> = (value: T) => Told | readonly [Told, ...Told[]];

/** A function behind an SQS queue. A refusal is an answer and ends the message; a fault leaves it to be tried again. */
export function handleQueue<T>(step: StepName, run: Run<string, T>, tell: Tell<T> = () => ({})) {
  const told = tellOnce(step, run, tell);
  return middy<SQSEvent, SQSBatchResponse>().handler((event, context) => {
    const record = ({ body, messageId }: SQSRecord) =>
      told(body, { requestId: messageId, functionArn: functionArn(context) });
    const processor = new BatchProcessor(EventType.SQS);
    return processPartialResponse(event, record, processor, { context, throwOnFullBatchFailure: false });
  });
}

/** `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]` */
function functionArn({ invokedFunctionArn }: Context): string {
  return invokedFunctionArn.split(':').slice(0, 7).join(':');
}

function tellOnce<E, T>(step: StepName, run: Run<E, T>, tell: Tell<T> = () => ({})): Run<E, T> {
  const logger = new Logger({ serviceName: step });
  return async (event, call) => {
    const started = performance.now();
    const line = () => ({ requestId: call.requestId, ms: Math.round(performance.now() - started) });
    try {
      const outcome = await run(event, call);
      const told = outcome.outcome === 'refused' ? { reason: outcome.refusal.reason } : tell(outcome.value);
      for (const one of [told].flat()) logger.info(outcome.outcome, { ...line(), ...one });
      return outcome;
    } catch (error) {
      logger.error('fault', { ...line(), ...describeFault(error) });
      throw error;
    }
  };
}

/** Our own faults have a message that names no secret; of others only the name is kept. */
function describeFault(error: unknown) {
  if (error instanceof Fault) return { code: error.code, problem: error.message, cause: nameOf(error.cause) };
  return { code: 'unexpected', problem: nameOf(error) };
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
}

/** The caller learns that it failed and, from Lambda, the request id; never internals. */
function hideFault(): middy.MiddlewareObj<unknown, unknown> {
  return {
    onError: (request) => {
      const hidden = new Error(`fault; request id ${request.context.awsRequestId}`);
      hidden.name = request.error instanceof Fault ? `Fault.${request.error.code}` : 'Fault.unexpected';
      request.error = hidden;
    },
  };
}
