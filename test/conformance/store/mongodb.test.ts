import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { openAt } from './place.ts';
import { storeConforms } from './suite.ts';

const server = process.env['MONGODB_URI'];

if (server === undefined || server === '') {
  const reason = 'NOT TESTED: the store in MongoDB, because MONGODB_URI names no server';
  process.stderr.write(`${reason}\n`);
  test('the store in MongoDB', { skip: reason });
} else {
  describe('the store in MongoDB', () => {
    storeConforms(async () => {
      // Each test has a database of its own, removed afterwards.
      const name = `ringaway_test_${randomBytes(6).toString('hex')}`;
      const uri = new URL(server);
      uri.pathname = `/${name}`;
      const location = uri.href;
      return Promise.resolve({
        kind: 'mongodb',
        location,
        open: () => openAt('mongodb', location),
        remove: async () => {
          const client = await new MongoClient(location).connect();
          await client.db(name).dropDatabase();
          await client.close();
        },
      });
    });
  });
}
