/** How long and how often a password may be wrong. */
export interface FailureLimits {
  /** Wrong passwords for one account, 1 or more, until it is locked. */
  perAccount: number;
  /** Wrong passwords from one address, 1 or more, until it is locked. */
  perAddress: number;
  /** Milliseconds after the first wrong password until it is forgotten. */
  window: number;
  /** Milliseconds; doubles with each lock that follows another, up to eight times. */
  lockFor: number;
}

/** The terminals' piece of the settings (src/config.ts); times in milliseconds. */
export interface TerminalSettings {
  tokenLifetime: number;
  /** Terminals of one account that may be connected at the same time, 1 or more. */
  maxPerAccount: number;
  loginFailures: FailureLimits;
  /** Whether a proxy of ours stands before the service: then the last X-Forwarded-For tells the terminal's address. */
  trustProxy: boolean;
  /** Origins of web apps on other sites; empty: only pages of the service itself. */
  corsOrigins: readonly string[];
  /** Networks (CIDR) in which a terminal's own IP phone may be called; `sip:` entries are the call's affair. */
  ipPhones: readonly string[];
  /** How long a call waits for an instruction, for the history's `decideBefore`. */
  decideWithin: number;
}
