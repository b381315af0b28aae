// What can the queue ask of `change-trust`, and what is no question to it?
import { describe, expect, test } from 'vitest';

import { answerRequest, isQueueEvent } from '../../../../functions/governance/change-trust/request.ts';
import { makeScene } from '../../scene.ts';

describe('the queue of change-trust', () => {
  test.each([
    '',
    '{}',
    '{"authority":"x"}',
    '{"authority":7}',
    `{"authority":"${'c'.repeat(64)}","position":"closed"}`,
  ])('refuses "%s" as a request', async (body) => {
    expect(await answerRequest(body, await makeScene())).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });

  test('asks for a look, and a look does no more than the row says', async () => {
    const scene = await makeScene();
    const authority = await scene.authorities.register(scene.authority.pem);
    expect(await answerRequest(JSON.stringify({ authority }), scene)).toMatchObject({
      value: { registration: 'settled' },
    });
    expect(scene.authorities.calls).toEqual(['register']);
  });

  test.each<[event: unknown, queue: boolean]>([
    [{ Records: [{ eventSource: 'aws:sqs', body: '{}' }] }, true],
    [{ Records: [] }, false],
    [{ Records: [{ eventSource: 'aws:s3' }] }, false],
    [{ act: { kind: 'open-breaker' } }, false],
    [undefined, false],
  ])('is told from an act: %j', (event, queue) => {
    expect(isQueueEvent(event)).toBe(queue);
  });
});
