// Step `create-authority`: an owner gets an issuing CA of its own. A ceremony made its root, its issuing CA and its delivery
// key, perhaps in different homes; one person brings what it came to, another approves it, and only then does it sign
// (blueprint step 3).
import { approvalKey, parseApproval, requestApproval, showApproval } from '../../../shared/governance/approval.ts';
import type { ApprovalShown } from '../../../shared/governance/approval-shown.ts';
import { ownerKey } from '../../../shared/identity/owner.ts';
import {
  issuingKey,
  ownerAuthorityKey,
  parseIssuing,
  parsePointer,
  type AuthorityTerms,
} from '../../../shared/issuance/authority.ts';
import { authorityRequestKey, parseAuthorityRequest } from '../../../shared/issuance/authority-request.ts';
import {
  checkAuthority,
  checkSealingKey,
  checkSigningKey,
  termsDigest,
  type CheckedAuthority,
} from '../../../shared/issuance/check-authority.ts';
import { showAuthority, type AuthorityShown } from '../../../shared/issuance/authority-shown.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AuthorityRegistry, KeyInspector } from '../../../shared/ports.ts';
import { performAct, type ActWorld } from '../../perform-act.ts';
import { AUTHORITY_ACT, type CreateAuthority, type RequestAuthority } from './act.ts';
import { install } from './install.ts';
import { requestEntry } from './record.ts';

export interface CreateAuthorityWorld extends ActWorld {
  readonly authorities: Pick<AuthorityRegistry, 'registerIssuing'>;
  readonly inspector: KeyInspector;
  /** Twelve digits: keys of other accounts sign for nobody here. */
  readonly account: string;
}

export type AuthorityAnswer =
  | { readonly result: 'requested'; readonly approval: ApprovalShown }
  | { readonly result: 'created' | 'unchanged'; readonly authority: AuthorityShown };

export function createAuthority(event: unknown, world: CreateAuthorityWorld): Promise<Outcome<AuthorityAnswer>> {
  return performAct(AUTHORITY_ACT, event, world, ({ act, principal }) =>
    act.kind === 'request-authority' ? request(act, principal, world) : create(act, principal, world),
  );
}

async function request(
  { terms }: RequestAuthority,
  requester: string,
  world: CreateAuthorityWorld,
): Promise<Outcome<AuthorityAnswer>> {
  // 1 Only for an owner that is known, and only once for each issuing CA.
  const { owner } = terms;
  const [known] = await world.registry.read([ownerKey(owner)]);
  if (known === undefined) return refused({ reason: 'owner-unknown', owner });
  // 2 Check certificates and keys: what is approved later is what was checked here.
  const checked = await check(terms, world);
  if (checked.outcome === 'refused') return checked;
  const { root, issuing } = checked.value;
  const [present] = await world.registry.read([issuingKey(issuing.fingerprint)]);
  if (present !== undefined) return done({ result: 'unchanged', authority: showAuthority(parseIssuing(present)) });
  // 3 Record the request and what it asks for; it changes nothing else.
  const prints = { root: root.fingerprint, issuing: issuing.fingerprint, terms: termsDigest(terms) };
  const now = world.clock.now();
  const act = { kind: 'create-authority' as const, owner, ...prints };
  const approval = requestApproval(act, { id: world.random.newId(), requester, now });
  const result = await world.registry.commit([
    { create: approvalKey(approval.id), row: approval },
    { create: authorityRequestKey(approval.id), row: { version: 1, terms } },
    requestEntry(approval, terms, world),
  ]);
  if (result === 'lost') throw new Fault('comparison-lost', `approval "${approval.id}" exists already`);
  return done({ result: 'requested', approval: showApproval(approval) });
}

async function check(terms: AuthorityTerms, world: CreateAuthorityWorld): Promise<Outcome<CheckedAuthority>> {
  const checked = checkAuthority(terms, world.clock.now());
  if (checked.outcome === 'refused') return checked;
  const { inspector, account } = world;
  const { owner, home, delivery } = terms;
  const sealing = { keyArn: delivery.keyArn, owner, purpose: 'delivery', account } as const;
  const sealed = checkSealingKey(await inspector.describe(delivery.keyArn), sealing);
  if (sealed.outcome === 'refused') return sealed;
  // A key in a token is looked at by nobody from here: its signatures are verified, one by one.
  if (home.kind === 'pkcs11') return checked;
  const signing = { keyArn: home.keyArn, owner, purpose: 'issuing', account } as const;
  const key = checkSigningKey(await inspector.describe(home.keyArn), signing, checked.value.issuer);
  return key.outcome === 'refused' ? key : checked;
}

async function create(
  { approval: id }: CreateAuthority,
  principal: string,
  world: CreateAuthorityWorld,
): Promise<Outcome<AuthorityAnswer>> {
  // 1 Read the approval and what it was given for.
  const [row, asked] = await world.registry.read([approvalKey(id), authorityRequestKey(id)]);
  if (row === undefined || asked === undefined) return refused({ reason: 'approval-unknown', approval: id });
  const approval = parseApproval(row);
  const { terms } = parseAuthorityRequest(asked);
  if (approval.act.kind !== 'create-authority') return refused({ reason: 'approval-unknown', approval: id });
  // 2 Decide: approved, and these very terms; a row that somebody changed is not what was approved (T138).
  if (approval.approver === undefined) return refused({ reason: 'approval-open', approval: id });
  const [expected, got] = [approval.act.terms, termsDigest(terms)];
  if (got !== expected) return refused({ reason: 'approval-differs', expected, got });
  // 3 Act, once: the issuing CA's own row is create-only.
  const installed = await install({ approval, terms, principal }, world);
  return done({ result: installed.result, authority: showAuthority(installed.authority) });
}

/** The chain of an owner's authority, and what signs with it. */
export async function showOwnersAuthority(
  owner: string,
  { registry }: Pick<CreateAuthorityWorld, 'registry'>,
): Promise<Outcome<AuthorityShown>> {
  const [pointer] = await registry.read([ownerAuthorityKey(owner)]);
  if (pointer === undefined) return refused({ reason: 'authority-absent', owner });
  const { fingerprint } = parsePointer(pointer);
  const [row] = await registry.read([issuingKey(fingerprint)]);
  if (row === undefined) throw new Fault('row-malformed', `issuing authority "${fingerprint}": its row is missing`);
  return done(showAuthority(parseIssuing(row)));
}
