// What if the function that lists devices dies, again and again? Its real process is killed, as Lambda may do.
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { readdirSync, readlinkSync } from 'node:fs';

import { functionName } from '../../infra/blueprint-function.ts';
import { PREFIX, type Stage } from './stage.ts';

export interface Kills {
  readonly count: () => number;
  readonly stop: () => void;
}

const EVERY_MS = 400;
/** More could end a chunk as a dead letter: five tries are what the queue gives it. */
const MOST = 10;
/** Soon, and yet longer than a chunk takes on a busy machine: a message that comes back too early is a try of the five. */
const AGAIN_AFTER_SECONDS = '20';

/** Kills one worker whenever one more chunk has left the queue; a chunk that failed comes back soon. */
export function killAtEachChunk(stage: Stage): Kills {
  const client = new SQSClient(stage.deployment.place.config);
  let killed = 0;
  let seen = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => void look().catch(() => undefined), EVERY_MS);
  const look = async () => {
    const waiting = await countWaiting(client);
    if (waiting < seen && Number.isFinite(seen) && killed < MOST && killOne()) killed += 1;
    seen = waiting;
  };
  return {
    count: () => killed,
    stop: () => {
      clearInterval(timer);
    },
  };
}

async function countWaiting(client: SQSClient): Promise<number> {
  const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}));
  const QueueUrl = QueueUrls.find((url) => url.includes('WhitelistChunksQueue'));
  if (QueueUrl === undefined) return 0;
  await client.send(
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: AGAIN_AFTER_SECONDS } }),
  );
  const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
  );
  return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}

/** The local cloud runs each worker in a folder that is named after its function. */
function killOne(): boolean {
  const mark = `ministack-lambda-${functionName(PREFIX, 'list-devices')}-`;
  const pid = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((candidate) => folderOf(candidate).includes(mark));
  if (pid === undefined) return false;
  process.kill(pid, 'SIGKILL');
  return true;
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
