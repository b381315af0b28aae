// What does the agent tell of its doings? One event for each thing that a person at the device would ask about; no keys.
import type { Role } from './identities.ts';

export type AgentEvent =
  | { readonly event: 'connecting'; readonly role: Role; readonly certificateId: string }
  | { readonly event: 'accepted'; readonly role: Role; readonly certificateId: string }
  /** By a verified broker; so many times in a row with this identity. */
  | { readonly event: 'closed'; readonly role: Role; readonly refusals: number; readonly problem: string }
  /** Says nothing of the identity: no route, a server that is not the one we mean, or a broker without room. */
  | { readonly event: 'unreachable'; readonly problem: string }
  | { readonly event: 'turning'; readonly from: Role; readonly to: Role }
  | { readonly event: 'waiting'; readonly milliseconds: number }
  | { readonly event: 'requested'; readonly requestId: string }
  | { readonly event: 'issued'; readonly certificateId: string; readonly renewFrom: string }
  /** `root` is the SHA-256 of the owner's root, which counts from now on. */
  | { readonly event: 'pinned'; readonly root: string }
  /** What came is not what we asked for; the request stays open. */
  | { readonly event: 'distrusted'; readonly reason: string }
  | { readonly event: 'rejected'; readonly requestId: string }
  | { readonly event: 'confirming'; readonly certificateId: string }
  | { readonly event: 'confirmed'; readonly certificateId: string }
  /** Connected with a confirmed certificate, in which nothing is left to do now. */
  | { readonly event: 'operational'; readonly certificateId: string; readonly renewFrom: string }
  | { readonly event: 'asked-to-renew'; readonly renewFrom: string }
  | { readonly event: 'ignored'; readonly topic: string }
  | { readonly event: 'lost'; readonly problem: string }
  /** Something of our own: a full disk, for one. Tried again. */
  | { readonly event: 'failed'; readonly problem: string };

export type ReportedEvent = AgentEvent & {
  /** ISO 8601 */
  readonly at: string;
};
