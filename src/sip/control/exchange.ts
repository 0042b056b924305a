import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import type { Dialog } from '../dialog/dialog.ts';
import { dialogId, Dialogs, type Registered } from '../dialog/dialogs.ts';
import { EndedDialogs } from '../dialog/ended-dialogs.ts';
import type { Subscriptions } from '../dialog/subscriptions.ts';
import type { SessionTimer } from '../dialog/session-timer.ts';
import type { ClientTransaction } from '../transaction/client-transaction.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { giveUpAfter } from '../transaction/timers.ts';
import type { Target } from '../transaction/wire.ts';
import type { Locator } from '../transport/locator.ts';
import type { Application } from './application.ts';
import { Applications } from './applications.ts';
import { CallRecords } from './call-records.ts';
import { RecordRoutes } from './proxy/record-route.ts';
import type { ReliableProvisionals } from './reliable-provisional.ts';

export interface AwaitingAck {
  readonly transaction: ClientTransaction;
  readonly toTag: string;
  /** The 2xx has no Contact (against RFC 3261 12.1.1): drachtio-srf acknowledges it and makes no dialog, so nobody else would end it. */
  readonly hangUp: boolean;
}

/** An INVITE of ours; its transaction is not there until its address is known. */
export interface OpenInvite {
  readonly transaction: ClientTransaction | undefined;
}

/** No INVITE of ours is open: most dialogs, most of the time. */
export const none: readonly OpenInvite[] = [];

export function without(invites: readonly OpenInvite[], over: OpenInvite): readonly OpenInvite[] {
  const left = invites.filter((invite) => invite !== over);
  return left.length === 0 ? none : left;
}

/** A dialog of an application. */
export interface DialogEntry extends Registered {
  readonly application: Application;
  /** What began it: INVITE, SUBSCRIBE or REFER. */
  readonly method: string;
  /** While a call is forked, the dialog of the branch that answered last; then the one that was accepted first. */
  dialog: Dialog;
  /** The early dialogs of an INVITE of ours, by remote tag: several where it was forked; undefined when one was accepted. */
  forks: Map<string, Dialog> | undefined;
  /** By RSeq whose reliable provisional responses are to be acknowledged: a PRACK belongs to the fork that it answers. */
  provisionals?: Map<number, Dialog> | undefined;
  /** The id of the transaction that began the dialog: an ACK to its 2xx carries it. */
  readonly transactionId: string;
  /** An INVITE of ours whose 2xx the application has not acknowledged yet. */
  awaitingAck: AwaitingAck | undefined;
  /** While the address of the last ACK is asked for; settles when it has left: what follows within the dialog leaves behind it. */
  acknowledging?: Promise<unknown> | undefined;
  /** Of an ACK whose address was not found: each further copy of the 2xx is to be acknowledged, too (13.2.2.4). */
  sendAckAgain?: (() => void) | undefined;
  /** Where subscriptions began the dialog: it lasts as long as they do. */
  subscriptions?: Subscriptions;
  /** An INVITE of the peer that has no final response yet. */
  unanswered: PendingServer | undefined;
  /** An UPDATE of the peer that has no final response yet. */
  updated?: PendingServer | undefined;
  /** INVITEs of ours within the dialog, and the one that began it, that have no final response yet. */
  inviting: readonly OpenInvite[];
  /** The session timer that was agreed, if any. */
  session?: SessionTimer | undefined;
  /** The application has agreed on the session timer, or refreshed it, by itself: the server's own refresh yields to it. */
  applicationRefreshes?: boolean;
  /** The session description that we sent last. */
  description?: Buffer;
  /** The peer said whether it takes UPDATE. */
  updates?: boolean;
  /** We began the dialog, and so made its Call-ID. */
  readonly ownsCallId?: boolean;
  /** The reliable provisional responses to the INVITE that began it. */
  reliable: ReliableProvisionals | undefined;
}

/** A request that arrived and was passed to an application. */
export interface PendingServer {
  readonly id: string;
  readonly application: Application;
  readonly transaction: ServerTransaction;
  entry: DialogEntry | undefined;
}

/** A request that an application sent. */
export interface PendingClient {
  readonly id: string;
  readonly application: Application;
  readonly dialogId: string;
  /** Its key in `subscribing`. */
  readonly subscriber?: string;
  /** Another one after each target that failed. */
  transaction: ClientTransaction;
  /** The application has cancelled it. */
  cancelled: boolean;
  entry: DialogEntry | undefined;
}

export interface ExchangeOptions {
  readonly layer: TransactionLayer;
  readonly locator: Locator;
  readonly clock: Clock;
  readonly log: Logger;
  /** What we call ourselves in User-Agent and Server where the application says nothing; undefined: nothing. */
  readonly userAgent?: string | undefined;
  readonly callRecords: boolean;
  /** An INVITE that is to replace a dialog which is not of this server goes to an application like any other, and is not refused. */
  readonly passUnknownReplaces: boolean;
  /** The calls of an application that is gone are ended with BYE; otherwise requests within them are answered 481. */
  readonly hangUpOrphans: boolean;
}

/** What stands between the network and the applications: who waits for what. */
export class Exchange {
  readonly layer: TransactionLayer;
  /** Finds where requests go. */
  readonly locator: Locator;
  readonly clock: Clock;
  readonly log: Logger;
  readonly userAgent: string | undefined;
  readonly applications = new Applications();
  readonly records: CallRecords;
  readonly dialogs = new Dialogs<DialogEntry>();
  readonly ended: EndedDialogs;
  readonly passUnknownReplaces: boolean;
  readonly hangUpOrphans: boolean;
  /** Requests that may still be answered, by transaction id. */
  readonly answerable = new Map<string, PendingServer>();
  /** All server transactions that are not settled: an INVITE stays until its ACK has come, or can no longer come. */
  readonly arrived = new Map<ServerTransaction, PendingServer>();
  /** Requests of the applications that have no final response, by transaction id. */
  readonly sent = new Map<string, PendingClient>();
  /** Requests outside of dialogs that an application has, by what makes two of them the same one (8.2.2.2). */
  readonly unmerged = new Set<string>();
  /** Requests that are being passed on. */
  readonly proxied = new Set<object>();
  readonly recordRoutes = new RecordRoutes();
  /** SUBSCRIBEs and REFERs of ours outside of dialogs that have no final response, by what a NOTIFY to them carries. */
  readonly subscribing = new Map<string, PendingClient>();
  /** Ids of dialogs that requests under way may begin: not to be given twice. */
  readonly beginning = new Set<string>();
  /** No new calls: they are answered 503. */
  draining = false;

  constructor(options: ExchangeOptions) {
    this.layer = options.layer;
    this.locator = options.locator;
    this.clock = options.clock;
    this.log = options.log;
    this.userAgent = options.userAgent;
    this.passUnknownReplaces = options.passUnknownReplaces;
    this.hangUpOrphans = options.hangUpOrphans;
    this.ended = new EndedDialogs(options.clock, giveUpAfter(options.layer.timers));
    this.records = new CallRecords(this.applications, options.clock, options.callRecords);
  }

  /** Ends a dialog: requests within it are answered 481 from now on. */
  forget(entry: DialogEntry): void {
    entry.dialog.terminate();
    entry.reliable?.stop();
    entry.session?.stop();
    entry.subscriptions?.stop();
    // Nothing else would end it when the peer is gone (RFC 3261 17.1.1.2: Proceeding has no timer)
    for (const { transaction } of entry.inviting) if (transaction) this.layer.cancel(transaction);
    for (const fork of entry.forks?.values() ?? []) fork.terminate();
    this.dialogs.remove(entry);
    if (entry.method === 'INVITE') this.ended.add(entry.callId, entry.localTag);
  }

  /** An id for a dialog that begins. */
  newDialogId(callId: string, fromTag: string): string {
    return dialogId(callId, fromTag, (id) => this.dialogs.has(id) || this.beginning.has(id));
  }

  /** Our address towards a peer, for Contact. */
  localFor(target: Target): Target {
    return this.layer.localFor(target);
  }
}
