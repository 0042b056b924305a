// A thread in which the database is open: SQLite's calls block, and an fsync may take long; the event loop of the
// service never waits for either. Messages are StoreRequest; what is sent back are lists of StoreAnswer.
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import type { StoreAnswer } from './answer.ts';
import { openDatabase, openForReading } from './database.ts';
import { failed, groupCommit } from './group-commit.ts';
import type { StoreRequest, StoreWork } from './operations.ts';

/** The most that one transaction does, so that the first of a flood does not wait for all of it. */
const batchLimit = 500;

if (parentPort) run(parentPort, workerData as StoreWork); // of store-thread.ts

function run(port: MessagePort, { file, access }: StoreWork): void {
  const send = (answers: StoreAnswer[]): void => port.postMessage(answers);
  try {
    const db = access === 'writes' ? openDatabase(file) : openForReading(file);
    const perform = groupCommit(db);
    port.on('message', (first: StoreRequest) => {
      const batch = [first, ...queued(port, batchLimit - 1)];
      const close = batch.find(({ name }) => name === 'close');
      send(perform(batch.filter((request) => request !== close)));
      if (!close) return;
      db.close();
      send([{ id: close.id, ok: true, value: undefined }]);
      port.close();
    });
    send([{ id: 0, ok: true, value: undefined }]);
  } catch (error) {
    send([failed(0, error)]);
    port.close();
  }
}

/** What else has arrived: it shares the transaction, and so the fsync, of the first. */
function queued(port: MessagePort, limit: number): StoreRequest[] {
  const requests: StoreRequest[] = [];
  while (requests.length < limit) {
    const next = receiveMessageOnPort(port);
    if (!next) break;
    requests.push(next.message as StoreRequest);
  }
  return requests;
}
