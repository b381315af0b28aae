// The owner's authority in the demo: a ceremony with keys in AWS KMS, held by one person and approved by another.
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import type { AuthorityShown } from '../../shared/issuance/authority-shown.ts';
import type { ApprovalShown } from '../../shared/governance/approval-shown.ts';
import { createAuthority } from '../commands/authority.ts';
import { invoke, performAct } from '../invoke.ts';
import type { Answer } from '../terminal.ts';
import type { Stage } from './story.ts';

export async function foundAuthority(stage: Stage, owner: string): Promise<void> {
  const { deployment, approver, terminal, folder } = stage;
  const known = await invoke<AuthorityShown>(deployment, 'create-authority', { show: owner });
  if (known.outcome === 'done') {
    const title = `${owner} has an issuing CA, whose key is in AWS KMS since ${known.value.createdAt}`;
    return terminal.step(title, () => Promise.resolve());
  }
  // What an earlier cloud knew is gone with it.
  const ceremony = join(folder, `ceremony-${owner}`);
  rmSync(ceremony, { recursive: true, force: true });
  const options = { owner, root: 'kms', issuing: 'kms', algorithm: 'ES256', ceremony } as const;
  const asked = expectOk(await createAuthority(deployment, options, terminal)) as { readonly approval: ApprovalShown };
  const { approval, digest } = asked.approval;
  await terminal.step('a second person looks at it, and approves', async () => {
    const outcome = await performAct(approver, 'approve-act', { kind: 'approve', approval, digest });
    if (outcome.outcome === 'refused') throw new Error(JSON.stringify(outcome.refusal));
  });
  await terminal.step(
    `it signs for ${owner} from now on; AWS IoT Core takes in nothing under it by itself`,
    async () => {
      expectOk(await createAuthority(deployment, options, terminal));
    },
  );
}

function expectOk({ ok, json, text }: Answer): unknown {
  if (ok) return json;
  throw new Error(text);
}
