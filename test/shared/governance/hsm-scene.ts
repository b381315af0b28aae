// A fleet with which nothing is wrong, and what is said of another one in short.
import { ConnectionErrorCodeType as ConnectionErrorCode } from '@aws-sdk/client-kms';

import { diagnose, type HsmSurvey } from '../../../shared/governance/hsm-health.ts';
import { CLUSTER, makeBackup, makeCluster, makeCustomerAuthority, makeKeyStore } from '../../pki/hsm-cluster.ts';

export { ConnectionErrorCode };
export const NOW = '2026-11-24T12:00:00.000Z';

export async function healthy(): Promise<HsmSurvey> {
  const cluster = await makeCluster(await makeCustomerAuthority());
  return { clusters: [cluster], backups: new Map([[CLUSTER, [makeBackup()]]]), keyStores: [makeKeyStore()] };
}

/** `severity code` of each finding. */
export function judge(survey: HsmSurvey): readonly string[] {
  return diagnose(survey, NOW).map(({ severity, code }) => `${severity} ${code}`);
}
