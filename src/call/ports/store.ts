// What is stored: subscribers, logins, records.
import type { CallEnd } from '../end.ts';
import type { CallRecord, ConnectMode, RecordChange } from '../record.ts';
import type {
  InstructionProof,
  Subscriber,
  SubscriberNumber,
  SubscriberSecrets,
  TerminalLogin,
} from '../subscriber.ts';

export interface NewSubscriber {
  account: string;
  ownerName?: string;
  ownerAddress?: string;
  numbers: SubscriberNumber[];
  proof: InstructionProof;
  music?: string;
  connect?: ConnectMode[];
  secrets: SubscriberSecrets;
}
/** `null` removes a value; a key that is absent stays as it was. */
export interface SubscriberChange {
  ownerName?: string | null;
  ownerAddress?: string | null;
  proof?: InstructionProof;
  music?: string | null;
  connect?: ConnectMode[] | null;
  passwordHash?: string;
  pinHash?: string | null;
}

/** The subscribers as the call needs them. */
export interface SubscriberDirectory {
  /** The first subscriber to whom one of `candidates` belongs, in their order, as number or as second called number. */
  findByNumber(
    candidates: readonly string[],
  ): Promise<{ subscriber: Subscriber; number: SubscriberNumber } | undefined>;
}

/**
 * The records as the call needs them. Each promise resolves when the change survives `kill -9`. What concerns one record is done in
 * the order in which it was asked.
 */
export interface RecordBook {
  /** No disk is awaited: a failure of the machine may lose it, until an `update` or `close` of it has resolved. */
  open(record: CallRecord): Promise<void>;
  /** @throws Failure `unknown-call` */
  update(id: string, change: RecordChange): Promise<void>;
  /**
   * Closes the record once: false when it was closed before (it then stays as it was).
   * @throws Failure `unknown-call`
   */
  close(id: string, end: CallEnd, change: RecordChange): Promise<boolean>;
  /** Records of this node without an end. */
  standing(node: string): Promise<CallRecord[]>;
  /**
   * Records of all nodes with an attempt to call one of `numbers`, of calls that arrived at `since` or later; newest
   * first, 50 at most.
   */
  calling(numbers: readonly string[], since: number): Promise<CallRecord[]>;
}

/** Everything that is stored; one conformance suite runs on every implementation. */
export interface Store {
  readonly subscribers: SubscriberDirectory & {
    /** @throws Failure `account-exists`, `number-taken` (with the number) */
    add(subscriber: NewSubscriber): Promise<Subscriber>;
    get(account: string): Promise<Subscriber | undefined>;
    /** By the account's name or any of its numbers (stored form); with the secrets, for comparing. */
    credentials(accountOrNumber: string): Promise<{ subscriber: Subscriber; secrets: SubscriberSecrets } | undefined>;
    /** In the order of account names, after `after`. */
    list(page: { after?: string; limit: number }): Promise<Subscriber[]>;
    /** @throws Failure `unknown-account` */
    change(account: string, change: SubscriberChange): Promise<Subscriber>;
    remove(account: string): Promise<boolean>;
    /** @throws Failure `unknown-account`, `number-taken` */
    addNumber(account: string, number: SubscriberNumber): Promise<Subscriber>;
    /** @throws Failure `unknown-account`, `unknown-number`, `last-number` (an account keeps at least one) */
    removeNumber(account: string, number: string): Promise<Subscriber>;
    /** Calls `changed` with the account's name soon (at most 1 s) after any process changed or removed it; returns the end of watching. */
    watch(changed: (account: string) => void): () => void;
  };
  readonly logins: {
    /** One row for each account and terminal id; a later login replaces it. */
    save(login: TerminalLogin): Promise<void>;
    seen(account: string, terminalId: string, at: number): Promise<void>;
    loggedOut(account: string, terminalId: string, at: number): Promise<void>;
    of(account: string): Promise<TerminalLogin[]>;
  };
  readonly records: RecordBook & {
    get(id: string): Promise<CallRecord | undefined>;
    /**
     * Newest first, among equals by id, the greater first. `number`: as caller, first, second or final called number.
     * `before`: only calls that arrived before that time; with `beforeId` (the last of a page) also those of that
     * very millisecond that come after it, so that pages neither lose nor repeat any.
     */
    list(filter: {
      account?: string;
      number?: string;
      before?: number;
      beforeId?: string;
      limit: number;
    }): Promise<CallRecord[]>;
  };
  /** A secret of the service that is made once and kept (key of the tokens); the same for every node. */
  secret(name: string, make: () => string): Promise<string>;
  /** Resolves when the store answers; rejects with the reason when it does not. For /ready. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
