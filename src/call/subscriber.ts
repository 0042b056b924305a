import type { ConnectMode } from './record.ts';

/** What an instruction must carry besides the logged-in session. A password that is given is always checked. */
export type InstructionProof = 'session' | 'pin' | 'password';

/** One number of a subscriber. All numbers are in the one stored form: `+E164`, a short code, or `sip:user@host`. */
export interface SubscriberNumber {
  /** The number that callers dial (first called number); unique over all accounts. */
  number: string;
  /** The service's number that the network rings beside it, when each subscriber has one of their own; unique too. */
  secondCalled?: string;
}

/** An account, without its secrets. */
export interface Subscriber {
  /** Name of the account: 1 to 64 of a-z 0-9 . _ - @; unique. */
  account: string;
  ownerName?: string;
  ownerAddress?: string;
  numbers: SubscriberNumber[];
  proof: InstructionProof;
  /** Music that their callers hear while they wait: absolute path of a wav or mp3 file. Without it that of the site. */
  music?: string;
  /** How their calls are connected, the preferred way first; at least one. Without it as the caller's trunk says. */
  connect?: ConnectMode[];
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
}

/** The secrets of an account, as PHC strings of argon2id; they leave the store only to be compared. */
export interface SubscriberSecrets {
  passwordHash: string;
  pinHash?: string;
}

/** Where a terminal is, as it was at its last login; kept for operations and for charging disputes. */
export interface TerminalLogin {
  account: string;
  terminalId: string;
  name?: string;
  platform?: 'android' | 'ios' | 'pc' | 'web' | 'cli';
  version?: string;
  publicAddress: { ip: string; port: number };
  internalAddress?: { ip: string; port?: number };
  loggedInAt: number;
  lastSeenAt: number;
  loggedOutAt?: number;
}
