// Do the fleet of the fakes and the adapter of AWS CloudHSM tell the same? The adapter speaks to a server of ours that answers
// as the service documents.
import { CloudHSMV2Client } from '@aws-sdk/client-cloudhsm-v2';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { cloudhsmFleet } from '../../shared/aws/cloudhsm-fleet.ts';
import { openHsmHttp, type HsmHttp } from '../fakes/hsm-http.ts';
import { MemoryHsmFleet } from '../fakes/memory-hsm-fleet.ts';
import { MemoryKeyStores } from '../fakes/memory-key-stores.ts';
import { hsmFleetContract } from './hsm-fleet-contract.ts';

let memory: MemoryHsmFleet;
let http: HsmHttp;

beforeEach(async () => {
  memory = new MemoryHsmFleet();
  http = await openHsmHttp(memory, new MemoryKeyStores(memory));
});
afterEach(() => http.close());

const adapter = () =>
  cloudhsmFleet(
    new CloudHSMV2Client({
      region: 'eu-central-1',
      endpoint: http.endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    }),
  );
const put = (...args: Parameters<MemoryHsmFleet['seed']>) => {
  memory.seed(...args);
};

hsmFleetContract('in memory', { fleet: () => memory, put });
hsmFleetContract('AWS CloudHSM (over HTTP)', { fleet: adapter, put });

test.each([
  ['a cluster without an id', { Clusters: [{ State: 'ACTIVE', HsmType: 'hsm2m.medium' }] }],
  ['a cluster without a state', { Clusters: [{ ClusterId: 'cluster-1', HsmType: 'hsm2m.medium' }] }],
  ['a mode that is no text', { Clusters: [cluster({ Mode: 1 })] }],
  ['clusters that are no list', { Clusters: {} }],
  ['a cluster that is text', { Clusters: ['cluster-1'] }],
  ['an HSM without a state', { Clusters: [cluster({ Hsms: [{ HsmId: 'hsm-1' }] })] }],
  ['a retention in weeks', { Clusters: [cluster({ BackupRetentionPolicy: { Type: 'WEEKS', Value: '7' } })] }],
  ['a retention that is no number', { Clusters: [cluster({ BackupRetentionPolicy: { Type: 'DAYS', Value: 'x' } })] }],
  ['a subnet without an id', { Clusters: [cluster({ SubnetMapping: { 'eu-central-1a': null } })] }],
  ['subnets that are a list', { Clusters: [cluster({ SubnetMapping: [] })] }],
])('takes no answer with %s', async (_what, body) => {
  http.answerNext({ status: 200, body });
  await expect(adapter().clusters()).rejects.toMatchObject({ code: 'answer-malformed' });
});

test.each([
  ['no time', { BackupId: 'backup-1', BackupState: 'READY' }],
  ['no state', { BackupId: 'backup-1', CreateTimestamp: 1 }],
  ['no id', { BackupState: 'READY', CreateTimestamp: 1 }],
])('takes no backup with %s', async (_what, backup) => {
  http.answerNext({ status: 200, body: { Backups: [backup] } });
  await expect(adapter().backups('cluster-1')).rejects.toMatchObject({ code: 'answer-malformed' });
});

test('a page that names a next one without end is a fault, not a loop', async () => {
  for (let count = 0; count < 250; count += 1)
    http.answerNext({ status: 200, body: { Clusters: [], NextToken: 'again' } });
  await expect(adapter().clusters()).rejects.toMatchObject({ code: 'answer-malformed' });
});

test.each([
  ['CloudHsmAccessDeniedException', 400],
  ['CloudHsmServiceException', 400],
  ['CloudHsmInternalFailureException', 500],
])('%s is a fault and no empty fleet', async (name, status) => {
  // The old client asks once more than it is told to.
  for (let count = 0; count < 3; count += 1) http.answerNext({ status, body: { __type: name, Message: 'told to' } });
  await expect(adapter().clusters()).rejects.toMatchObject({ name });
});

test('asks for backups of this cluster alone, and for none that is deleted', async () => {
  await adapter().backups('cluster-1');
  expect(http.calls.at(-1)?.body).toEqual({
    Filters: { clusterIds: ['cluster-1'], states: ['CREATE_IN_PROGRESS', 'READY', 'PENDING_DELETION'] },
  });
});

function cluster(changes: object): object {
  return { ClusterId: 'cluster-1', State: 'ACTIVE', HsmType: 'hsm2m.medium', ...changes };
}
