import type { Collection, Db } from 'mongodb';
import type { TerminalLogin } from '../../call/subscriber.ts';
import { despiteRaces } from './errors.ts';

type LoginDocument = TerminalLogin & { _id: { account: string; terminalId: string } };

export class LoginCollection {
  readonly #documents: Collection<LoginDocument>;

  constructor(db: Db) {
    this.#documents = db.collection<LoginDocument>('logins');
  }

  async createIndexes(): Promise<void> {
    await this.#documents.createIndex({ account: 1, loggedInAt: -1 });
  }

  async save(login: TerminalLogin): Promise<void> {
    const { account, terminalId } = login;
    await despiteRaces(() => this.#documents.replaceOne({ _id: { account, terminalId } }, login, { upsert: true }));
  }

  async seen(account: string, terminalId: string, at: number): Promise<void> {
    await this.#documents.updateOne({ _id: { account, terminalId } }, { $max: { lastSeenAt: at } });
  }

  async loggedOut(account: string, terminalId: string, at: number): Promise<void> {
    await this.#documents.updateOne({ _id: { account, terminalId } }, { $set: { loggedOutAt: at } });
  }

  async of(account: string): Promise<TerminalLogin[]> {
    const documents = this.#documents.find({ account }).sort({ loggedInAt: -1, terminalId: 1 });
    return (await documents.toArray()).map(({ _id, ...login }) => login);
  }
}
