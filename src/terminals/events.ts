// The terminals' protocol, version 1, as types shared by server and client. PROTOCOL.md has it in words.
import type { Refusal, RefusalCode } from '../call/ports.ts';
import type { TerminalLogin } from '../call/subscriber.ts';
import type { CallView } from '../call/view.ts';

/** A call as a terminal sees it. Times are ISO 8601 in UTC. */
export type Call = CallView;

/** Socket.IO's namespace and path. */
export type TerminalNamespace = '/terminal';

// ---------------------------------------------------------------- logging in

export type Platform = NonNullable<TerminalLogin['platform']>;

/** Who connects: the installation, not the person. */
export interface TerminalInfo {
  /** Chosen once by each installation: 1 to 128 of `A-Z a-z 0-9 . _ : @ + -`; a UUID is best. */
  id: string;
  name?: string;
  platform?: Platform;
  version?: string;
  /** Its own address in its own network, and the port where its own IP phone listens for SIP, if it has one. */
  internalAddress?: { ip: string; port?: number };
}

/** The handshake's `auth`: account (or one of its numbers) and password at first, the token of `session` afterwards. */
export type HandshakeAuth = ({ account: string; password: string } | { token: string }) & { terminal: TerminalInfo };

export type LoginRefusalCode =
  'bad-credentials' | 'token-expired' | 'locked' | 'too-many-terminals' | 'malformed' | 'unavailable' | 'internal';

/** `data` of Socket.IO's `connect_error`. */
export interface LoginRefusal {
  code: LoginRefusalCode;
  /** For a person: what happened and what to do. */
  message: string;
  /** Seconds. */
  retryAfter?: number;
}

// ---------------------------------------------------------------- server to terminal

export interface SessionStart {
  version: 1;
  /** For the next connection; replaces the one before. */
  token: string;
  expiresAt: string;
  account: string;
  ownerName: string | null;
  numbers: string[];
  /** The calls that still wait or stand. */
  calls: Call[];
}

/**
 * Why the server ended a session. After `service-down` the client comes back by itself; after the others it must not
 * (`too-many-terminals`, `flooding`) or needs the password again (`logged-out`, `account-removed`, `password-changed`).
 */
export type SessionEndReason =
  | 'logged-out'
  | 'replaced'
  | 'account-removed'
  | 'password-changed'
  | 'too-many-terminals'
  | 'flooding'
  | 'service-down';

export interface Receipt {
  received: true;
}

export interface ServerToClientEvents {
  session: (session: SessionStart) => void;
  'call:incoming': (call: Call, acknowledge: (receipt: Receipt) => void) => void;
  'call:changed': (call: Call) => void;
  'call:ended': (call: Call) => void;
  'session:ended': (end: { reason: SessionEndReason }) => void;
}

// ---------------------------------------------------------------- terminal to server

/** Which secret an instruction lacked. */
export type NeededProof = 'password' | 'pin';
export interface RefusedRequest {
  ok: false;
  error: Refusal & { needs?: NeededProof };
}
/** The acknowledgement of every request. */
export type Answer<Given = object> = ({ ok: true; call?: Call } & Given) | RefusedRequest;
export type ErrorCode = RefusalCode;

export interface TransferRequest {
  callId: string;
  /** What a person typed, a `sip:` address, or `terminal`: this terminal's own IP phone. Several in a list. */
  to: string | readonly string[];
  /** Whether several ring together (also when absent), or one after the other. */
  order?: 'together' | 'in-turn';
  /** Of a connected call: the party there talks to the new one first; `call:complete` then connects the caller. */
  attended?: boolean;
  password?: string;
  pin?: string;
  mode?: 'auto' | 'bridge' | 'refer' | 'redirect';
  /** Idempotency key: repeating it gives the first answer again. */
  key?: string;
}
export interface CallRequest {
  callId: string;
}
export interface DigitsRequest {
  callId: string;
  /** 1 to 32 of `0-9 * # A-D`. */
  digits: string;
}
export interface HistoryRequest {
  /** ISO 8601: only calls that arrived before it. */
  before?: string;
  /** 1 to 100; 20 when absent. */
  limit?: number;
}
export interface HistoryPage {
  calls: Call[];
  /** Whether older calls exist: ask again with `before` set to the last one's `arrivedAt`. */
  more: boolean;
}

type Request<Payload, Given = object> = (payload: Payload, acknowledge: (answer: Answer<Given>) => void) => void;

export interface ClientToServerEvents {
  'call:transfer': Request<TransferRequest>;
  'call:decline': Request<CallRequest>;
  'call:hangup': Request<CallRequest>;
  'call:hold': Request<CallRequest>;
  'call:resume': Request<CallRequest>;
  'call:complete': Request<CallRequest>;
  'call:digits': Request<DigitsRequest>;
  'history:list': Request<HistoryRequest, HistoryPage>;
  'session:logout': Request<Record<string, never>>;
}
export type RequestName = keyof ClientToServerEvents;
